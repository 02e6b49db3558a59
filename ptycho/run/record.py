"""The settings of a run as its folder keeps them: to be read again, and with the story of every value."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

from ptycho.files.atomic import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from ptyconf import Resolution

SETTINGS, PROVENANCE, RECONSTRUCTION = "settings.toml", "provenance.json", "reconstruction.npz"
LAST_CHECKPOINT = "last.ckpt"
_LARGEST_SETTINGS = 2**21


def write_settings(folder: Path, resolution: Resolution, *, home: Path) -> None:
    """Write ``settings.toml`` and ``provenance.json``; each file appears whole or not at all.

    Args:
        folder: Where to write.
        resolution: The settings in force.
        home: Where the folder will stand in the end: paths in ``settings.toml`` are relative to it.

    Raises:
        OSError: The folder cannot be written.
    """
    from ptyconf.report import dump_toml, to_json

    write_text(folder / SETTINGS, dump_toml(resolution, folder=home, portable=True))
    write_text(folder / PROVENANCE, json.dumps(to_json(resolution), indent=1) + "\n")


def read_settings(folder: Path) -> dict[str, Any]:
    """Read the settings that a run folder keeps, by path; nothing where it keeps none that can be read."""
    path = folder / SETTINGS
    if not path.is_file() or path.stat().st_size > _LARGEST_SETTINGS:
        return {}
    try:
        return _by_path(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return {}


def settings_in(resolution: Resolution, home: Path) -> dict[str, Any]:
    """Give settings by path as `read_settings` would read them from the run folder ``home``."""
    from ptyconf.report import dump_toml

    return _by_path(dump_toml(resolution, folder=home, portable=True))


def _by_path(text: str) -> dict[str, Any]:
    tables = tomllib.loads(text)
    settings: dict[str, Any] = dict.fromkeys(map(str, tables.pop("unset", ())))
    for section, table in tables.items():
        if isinstance(table, dict):
            settings |= {f"{section}.{name}": value for name, value in table.items()}
    return settings
