"""Paths: those of this machine are anchored at the folder of their file, pure ones are left as they are."""

from __future__ import annotations

import os
from pathlib import Path, PosixPath, PurePath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any

from ptyconf.schema.kind import Kind, Mismatch


def make_path(kind: type[PurePath], *, anchored: bool, make: type[PurePath] | None = None) -> Kind:
    """Make the kind of a class of paths."""
    made = make or kind

    def read(value: Any) -> Any:
        if isinstance(value, (str, os.PathLike)):
            return value if isinstance(value, kind) else made(os.fspath(value))
        raise Mismatch("a path")

    return Kind(
        kind,
        "a path",
        read,
        made,
        str,
        lambda value: value.as_posix(),
        json_schema={"type": "string"},
        exact=frozenset(),
        paths=anchored,
    )


KINDS: dict[Any, Kind] = {
    Path: make_path(Path, anchored=True),
    PosixPath: make_path(PosixPath, anchored=True),
    WindowsPath: make_path(WindowsPath, anchored=True),
    PurePath: make_path(PurePath, anchored=False),
    PurePosixPath: make_path(PurePosixPath, anchored=False),
    PureWindowsPath: make_path(PureWindowsPath, anchored=False),
}
