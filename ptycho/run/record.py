"""The settings of a run as its folder keeps them: to be read again, and with the story of every value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ptycho.files.atomic import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from ptyconf import Resolution

SETTINGS, PROVENANCE, RECONSTRUCTION = "settings.toml", "provenance.json", "reconstruction.npz"


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

    write_text(folder / SETTINGS, dump_toml(resolution, folder=home))
    write_text(folder / PROVENANCE, json.dumps(to_json(resolution), indent=1) + "\n")
