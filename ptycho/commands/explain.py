"""``ptycho explain``: where settings come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.commands import options
from ptycho.commands.command import Command
from ptycho.commands.parser import UsageError
from ptyconf import commands
from ptyconf.errors import error_text

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare scan, settings files, and the setting that is asked for."""
    options.add_answer(parser)
    options.add_sources(
        parser,
        files="*",
        metavar="[FILE] [SETTING]",
        about="a scan, settings files, or both, then the setting, or none for all of them",
    )
    options.add_purpose(parser)


def run(arguments: argparse.Namespace) -> int:
    """Tell the story of one setting, or of all.

    Raises:
        UsageError: Several settings are named.
    """
    files, settings = options.split_settings(arguments.files)
    if len(settings) > 1:
        raise UsageError(
            error_text(
                f"{' and '.join(settings)} are neither files that are here nor one setting",
                expected="files, then one setting or none for all of them",
                hint=f"ptycho explain {' '.join([*map(str, files), settings[-1]])}",
            )
        )
    options.require_here(files)
    resolution = options.resolve(arguments, arguments.purpose, files=files)
    return options.answer(arguments, commands.explain(resolution, *settings))


COMMAND = Command(help="say where settings come from", order=50, add_arguments=add_arguments, run=run)
