"""The settings of a run as its folder keeps them: to be read again, and with the story of every value."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

from ptycho.files.atomic import write_text
from ptyconf import ConfigError, Problem
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from pathlib import Path

    from ptyconf import Resolution

SETTINGS, PROVENANCE, RECONSTRUCTION = "settings.toml", "provenance.json", "reconstruction.npz"
BUNDLE, LAST_CHECKPOINT = "wts.h5.zip", "last.ckpt"
BEST_CHECKPOINTS = "best-epoch*.ckpt"
_BEST = re.compile(r"best-epoch(\d+)\.ckpt")
FOLDER_OF_SCAN = re.compile(r"scan-(\d+)")
"""The folder of a run's second scan, third scan and so on."""

_RETRIEVED = re.compile(r"retrieved(?:-(\d+))?\.npz")
_LARGEST_SETTINGS = 2**21


def best_checkpoint_name(epoch: int) -> str:
    """Name the file of an epoch that is among the best; `best_checkpoints` finds it."""
    return f"best-epoch{epoch:03d}.ckpt"


def best_checkpoints(folder: Path) -> dict[Path, int]:
    """List the files of the best epochs in a folder with the epoch of each, from 0, the latest first."""
    epochs = {
        path: int(match[1])
        for path in folder.glob(BEST_CHECKPOINTS)
        if (match := _BEST.fullmatch(path.name)) and path.is_file()
    }
    return dict(sorted(epochs.items(), key=lambda item: item[1], reverse=True))


def checkpoints_in(folder: Path) -> list[Path]:
    """List the checkpoints of a folder: that of the last epoch, then those of the best, the latest first."""
    last = folder / LAST_CHECKPOINT
    return [*([last] if last.is_file() else []), *best_checkpoints(folder)]


def retrieved_name(number: int) -> str:
    """Name the file of the picture that a training retrieved from a scan, by the scan's number from 1."""
    return "retrieved.npz" if number == 1 else f"retrieved-{number}.npz"


def retrieved_in(folder: Path) -> list[Path]:
    """List the files of such pictures in a folder, in the order of the scans."""
    numbered = [
        (int(match[1] or 1), path)
        for path in folder.glob("retrieved*.npz")
        if (match := _RETRIEVED.fullmatch(path.name)) and path.is_file()
    ]
    return [path for _, path in sorted(numbered)]


def write_settings(folder: Path, resolution: Resolution, *, home: Path) -> None:
    """Write ``settings.toml`` and ``provenance.json``; each file appears whole or not at all.

    Args:
        folder: Where to write.
        resolution: The settings in force.
        home: Where the folder will stand in the end: paths in ``settings.toml`` are relative to it.

    Raises:
        OSError: The folder cannot be written.
        ValueError: The name of a file holds bytes that are no letters here.
    """
    from ptyconf.report import to_json

    write_text(folder / SETTINGS, settings_text(resolution, home))
    write_text(folder / PROVENANCE, json.dumps(to_json(resolution), indent=1) + "\n")


def settings_text(resolution: Resolution, home: Path | None = None) -> str:
    """Write settings as TOML that can be read again.

    Args:
        resolution: The settings in force.
        home: The folder that paths are relative to; None leaves them as they are.

    Raises:
        ValueError: The name of a file holds bytes that are no letters here.
    """
    from ptyconf.report import dump_toml

    try:
        return dump_toml(resolution, folder=home, portable=home is not None)
    except ConfigError as error:
        problem = next(part for part in error.exceptions if isinstance(part, Problem))
        raise ValueError(
            error_text(
                f"the settings cannot be written down: {problem.text}",
                written_in=resolution.trace(problem.path).winner.origin.where,
                expected="names whose bytes are letters in the locale of this process",
                hint="another name, or a locale that knows its letters (LC_ALL=C.UTF-8)",
            )
        ) from error


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
    return _by_path(settings_text(resolution, home))


def _by_path(text: str) -> dict[str, Any]:
    tables = tomllib.loads(text)
    settings: dict[str, Any] = dict.fromkeys(map(str, tables.pop("unset", ())))
    for section, table in tables.items():
        if isinstance(table, dict):
            settings |= {f"{section}.{name}": value for name, value in table.items()}
    return settings
