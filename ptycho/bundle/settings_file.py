"""Change single settings in what a run left: in its ``settings.toml``, and in the story of its settings."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from ptycho.settings.schema import schema
from ptyconf.report.toml import literal
from ptyconf.text import toml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ptyconf import Origin

_SECTION = re.compile(r"\[([A-Za-z0-9_.-]+)\]")


def change_settings(text: str, changes: Mapping[str, object], reason: str) -> str:
    """Change settings of a file that ``dump_toml`` wrote; everything else stays, comments too.

    Args:
        text: The file.
        changes: New values by path.
        reason: The comment beside a changed value; "" keeps the one that is there.

    Raises:
        ValueError: It is no TOML, or one of the settings is not written there on a line of its own.
    """
    before = toml.parse(text)
    wanted = {path: value for path, value in changes.items() if _at(before, path) != value}
    lines, section = text.split("\n"), ""
    for number, line in enumerate(lines):
        if heading := _SECTION.fullmatch(line):
            section = heading[1]
        path = f"{section}.{line.partition(' = ')[0]}"
        if path in wanted:
            lines[number] = _change_line(line, _at(before, path), wanted[path], reason)
    changed = "\n".join(lines)
    if toml.parse(changed) != _with(before, wanted):
        raise ValueError(f"{', '.join(sorted(wanted))} cannot be changed in these settings")
    return changed


def _change_line(line: str, old: object, new: object, reason: str) -> str:
    written = line.partition(" = ")[0] + " = "
    rest = line.removeprefix(written + literal(old))
    return written + literal(new) + (f"  # {reason}" if reason else rest)


def _at(tables: Mapping[str, Any], path: str) -> object:
    section, _, name = path.partition(".")
    table = tables.get(section, {})
    return table.get(name) if isinstance(table, dict) else None


def _with(tables: Mapping[str, Any], changes: Mapping[str, object]) -> dict[str, Any]:
    changed = dict(tables)
    for path, value in changes.items():
        section, _, name = path.partition(".")
        changed[section] = {**changed.get(section, {}), name: value}
    return changed


def move_paths(text: str, home: Path, new_home: Path) -> str:
    """Make the relative paths of a settings file mean the same files from another folder.

    Args:
        text: The file.
        home: The folder that its paths are relative to.
        new_home: The folder that they shall be relative to.

    Raises:
        ValueError: It is no TOML, or a path is not written there on a line of its own.
    """
    tables = toml.parse(text)
    changes: dict[str, object] = {}
    for path, setting in schema.settings.items():
        written = _at(tables, path)
        is_path = Path in (setting.type, *get_args(setting.type)) and isinstance(written, str)
        if is_path and not Path(str(written)).is_absolute():
            changes[path] = _move(str(written), home, new_home)
    return change_settings(text, changes, "")


def _move(written: str, home: Path, new_home: Path) -> str:
    """Name the same place as seen from the new folder; the folder itself stays the folder itself."""
    meant = os.path.normpath(home / written)
    return written if meant == os.path.normpath(home) else Path(os.path.relpath(meant, new_home)).as_posix()


def change_provenance(
    provenance: Mapping[str, Any], changes: Mapping[str, object], origin: Origin
) -> dict[str, Any]:
    """Put a layer on top of the story of settings: the former winners become losers.

    Args:
        provenance: The story, as ``to_json`` gave it.
        changes: New values by path.
        origin: Who changed them.
    """
    settings = [
        _change_entry(entry, changes[entry["path"]], origin)
        if entry["path"] in changes and entry["value"] != changes[entry["path"]]
        else entry
        for entry in provenance["settings"]
    ]
    return {**provenance, "settings": settings}


def _change_entry(entry: Mapping[str, Any], value: object, origin: Origin) -> dict[str, Any]:
    loser = {**entry.get("winner", {}), "value": entry["value"]}
    winner = {"layer": origin.kind, "origin": origin.as_dict()}
    return {**entry, "value": value, "winner": winner, "losers": [loser, *entry.get("losers", ())]}
