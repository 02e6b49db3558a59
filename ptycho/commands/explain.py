"""``ptycho explain``: where settings come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.commands import options
from ptycho.commands.command import Command
from ptyconf import commands

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the settings file, and the setting that is asked for."""
    options.add_answer(parser)
    options.add_sources(parser, files=1)
    parser.add_argument("path", nargs="?", metavar="SETTING", help="model.gridsize; all if left out")
    options.add_purpose(parser)


def run(arguments: argparse.Namespace) -> int:
    """Tell the story of one setting, or of all."""
    return options.answer(
        arguments, commands.explain(options.resolve(arguments, arguments.purpose), arguments.path)
    )


COMMAND = Command(help="say where settings come from", order=50, add_arguments=add_arguments, run=run)
