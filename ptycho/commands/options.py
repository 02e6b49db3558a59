"""What the commands have in common: files, profile and one flag for every setting."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho.run.resolve import resolve_run
from ptycho.settings.layers import BARE_NAMES
from ptycho.settings.schema import schema
from ptyconf import ConfigError, Problem
from ptyconf.sources import flags

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from ptycho.settings.layers import Command as Purpose
    from ptyconf import Layer, Resolution
    from ptyconf.commands import Answer

_log = logging.getLogger(__name__)


def add_sources(
    parser: argparse.ArgumentParser, command: Purpose = "train", *, files: str | int = "+"
) -> None:
    """Declare files, profile and a flag for every setting; short names mean the command's own."""
    parser.add_argument(
        "files", nargs=files, type=Path, metavar="FILE.toml", help="settings; a later file wins"
    )
    parser.add_argument("--profile", metavar="NAME", help="use [profile.NAME] of the settings files")
    flags.add_flags(parser, schema, sections=BARE_NAMES[command])


def add_purpose(parser: argparse.ArgumentParser) -> None:
    """Declare what the settings are for: short names and defaults differ."""
    parser.add_argument(
        "--for", dest="purpose", choices=tuple(BARE_NAMES), default="train", help="what the settings are for"
    )


def add_answer(parser: argparse.ArgumentParser) -> None:
    """Declare the form of an answer that goes to the terminal."""
    parser.add_argument("--json", action="store_true", help="answer in JSON")


def answer(arguments: argparse.Namespace, text: Answer) -> int:
    """Print what was asked for; 0, or 1 for a difference or a failed check."""
    print(text.shown(as_json=arguments.json))
    return text.code


def resolve(
    arguments: argparse.Namespace,
    command: Purpose,
    *,
    files: Iterable[Path] | None = None,
    extra_layers: Iterable[Layer] = (),
    trained: Resolution | None = None,
) -> Resolution:
    """Resolve the settings of a command from its files, flags and the environment.

    Raises:
        ConfigError: Everything that is wrong with the settings, together.
    """
    return resolve_run(
        command,
        files=arguments.files if files is None else files,
        flags=flags.layer(arguments),
        environment=os.environ,
        extra_layers=extra_layers,
        profile=arguments.profile,
        trained=trained,
    )


def require_scan(resolution: Resolution, path: str, complaint: str) -> None:
    """Refuse a scan file that is not there, saying who named it.

    Args:
        resolution: The settings.
        path: The setting that names the file.
        complaint: First words of the error.

    Raises:
        ConfigError: No file is named, or there is no such file.
    """
    named = resolution.get(path)
    if named is not None and Path(str(named)).is_file():
        return
    raise ConfigError(
        [
            Problem(
                f"{complaint}: {named}" if named is not None else f"{path} is required",
                path=path,
                origin=resolution.trace(path).winner.origin if path in resolution else None,
                expected="a scan file (.npz)",
                hint="ptycho simulate scan.npz, for one to try things out on",
            )
        ]
    )


def require_scans_of_training(resolution: Resolution) -> None:
    """Refuse a training whose scan, or whose test scan where one is named, is not there.

    Raises:
        ConfigError: A file is missing.
    """
    require_scan(resolution, "training.train_data_file", "Training data file not found")
    if resolution["training.test_data_file"] is not None:
        require_scan(resolution, "training.test_data_file", "Test data file not found")
