"""What the commands have in common: files, profile and one flag for every setting."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho.config.precedence import BARE_NAMES
from ptycho.config.run import resolve_run
from ptycho.config.settings import schema
from ptyconf.sources import flags

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from ptycho.config.precedence import Command
    from ptyconf import Layer, Resolution

_log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser, command: Command, *, files: str = "+") -> None:
    """Declare files, profile and a flag for every setting; short names mean the command's own."""
    parser.add_argument(
        "files", nargs=files, type=Path, metavar="FILE.toml", help="settings; a later file wins"
    )
    parser.add_argument("--profile", metavar="NAME", help="use [profile.NAME] of the settings files")
    flags.add_flags(parser, schema, sections=BARE_NAMES[command])


def resolve(
    arguments: argparse.Namespace,
    command: Command,
    *,
    files: Iterable[Path] | None = None,
    extra_layers: Iterable[Layer] = (),
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
    )
