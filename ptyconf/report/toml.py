"""A resolution as a TOML file that loads back to the same values, with the origins as comments."""

from __future__ import annotations

import datetime
import enum
import os
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from ptyconf.merge.resolution import Resolution
from ptyconf.text.show import MASK, show, toml_key


def dump_toml(
    resolution: Resolution,
    *,
    origins: bool = True,
    folder: str | os.PathLike[str] | None = None,
    header: str = "",
) -> str:
    """Write every setting as TOML.

    None is listed in a top-level ``unset``; derived settings, inert defaults and secrets are comments only,
    so that a secret is the one thing that does not load back.

    Args:
        resolution: What to write.
        origins: Write where each value came from beside it.
        folder: Folder of the file to be, to which paths are made relative; the working directory if left out.
        header: Text for the top of the file, written as comments.
    """
    base = Path.cwd() if folder is None else Path(folder).absolute()
    sections: dict[str, list[str]] = {}
    unset: list[str] = []
    for path in resolution:
        section, _, name = path.rpartition(".")
        lines = sections.setdefault(section, [])
        line = _line(resolution, path, name, base, origins=origins)
        if line is None:
            unset.append(path)
        else:
            lines.append(line)
    blocks = [f"# {line}".rstrip() for line in header.splitlines()]
    if unset:
        blocks += ["unset = [", *(f"    {show(path)}," for path in unset), "]"]
    for section, lines in sorted(sections.items(), key=lambda pair: pair[0] != ""):
        if lines:
            title = ".".join(toml_key(part) for part in section.split("."))
            blocks += ["", *([f"[{title}]"] if section else []), *lines]
    return "\n".join(blocks).strip("\n") + "\n"


def _line(resolution: Resolution, path: str, name: str, base: Path, *, origins: bool) -> str | None:
    """Write one setting; None when it has to be listed as unset."""
    setting = resolution.schema[path]
    trace = resolution.trace(path)
    place = f"{trace.winner.layer}: {trace.winner.origin}" if origins else ""
    if setting.secret:
        return f"# {toml_key(name)} = {MASK}  # secret{f', {place}' if place else ''}"
    value = resolution.value(path)
    if trace.derivation is not None:
        inputs = ", ".join(f"{key} = {show(each)}" for key, each in trace.derivation.inputs.items())
        return f"# {toml_key(name)} = {show(value)}  # follows from {inputs}"
    if value is None:
        return None
    if setting.inert_default and trace.winner.origin.kind == "defaults":
        return f"# {toml_key(name)} = {literal(value, base)}  # not set"
    text = f"{toml_key(name)} = {literal(value, base)}"
    return f"{text}  # {place}" if place else text


def literal(value: Any, base: Path | None = None) -> str:
    """Write a value as TOML."""
    plain = _plain(value, base)
    return _inline(plain) if isinstance(plain, (dict, list)) else _scalar(plain)


def _scalar(value: Any) -> str:
    import tomli_w

    return tomli_w.dumps({"v": value})[4:].rstrip("\n")


def _inline(value: Any) -> str:
    """Write arrays and tables on one line, as a value beside its comment must be."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml_key(str(key))} = {_inline(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(each) for each in value) + "]"
    return _scalar(value)


def _plain(value: Any, base: Path | None) -> Any:
    if isinstance(value, enum.Enum):
        return value.value if isinstance(value.value, (str, int, float)) else value.name
    if isinstance(value, PurePath):
        return _relative(value, base) if base is not None else str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(each, base) for key, each in value.items() if each is not None}
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(each, base) for each in value), key=repr)
    if isinstance(value, (list, tuple)):
        return [_plain(each, base) for each in value]
    if value is None or isinstance(value, (str, int, float, datetime.date, datetime.time)):
        return value
    return _as_table(value, base)


def _as_table(value: Any, base: Path | None) -> Any:
    """Unpack an instance of a dataclass or attrs class."""
    fields = getattr(value, "__dataclass_fields__", None)
    if fields is None:
        fields = {each.name: each for each in getattr(value, "__attrs_attrs__", ())}
    if fields:
        return _plain({name: getattr(value, name) for name in fields}, base)
    return str(value)


def _relative(path: PurePath, base: Path) -> str:
    """Write a path as seen from the dump's folder."""
    try:
        return Path(os.path.relpath(Path.cwd() / path, base)).as_posix()
    except ValueError:  # another drive
        return Path(path).as_posix()
