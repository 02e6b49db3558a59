"""Relative paths in a file stand below that file's folder; ``~`` is for the program to expand."""

from __future__ import annotations

from collections import deque
from pathlib import Path, PurePath
from typing import Any

from ptyconf.schema.kind import Kind

HOME = "~"


def is_below_home(path: PurePath) -> bool:
    """Tell whether a path begins with ``~``: whose home that is, the program says that opens it."""
    return path.parts[:1] == (HOME,)


def anchor(value: Any, folder: Path) -> Any:
    """Resolve the relative paths in a value against a folder; pure paths of another system stay."""
    if isinstance(value, Path):
        return value if value.is_absolute() or is_below_home(value) else _inside(folder, value)
    if isinstance(value, dict):
        return type(value)((key, anchor(item, folder)) for key, item in value.items())
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(anchor(item, folder) for item in value))
    if isinstance(value, deque):
        return deque((anchor(item, folder) for item in value), value.maxlen)
    if isinstance(value, (list, tuple, set, frozenset)):
        return type(value)(anchor(item, folder) for item in value)
    return value


def anchored(value: Any, kind: Kind, folder: str | None) -> Any:
    """Anchor a value of a kind that is or holds paths."""
    return anchor(value, Path(folder)) if folder is not None and kind.paths else value


def _inside(folder: Path, path: PurePath) -> Path:
    """Join a path to a folder; each leading ``..`` leaves the folder that is really meant, links followed."""
    parts = path.parts
    while parts and parts[0] == "..":
        if folder.is_symlink() or ".." in folder.parts:
            folder = folder.resolve()
        folder, parts = folder.parent, parts[1:]
    return folder.joinpath(*parts)
