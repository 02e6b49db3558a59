"""``ptycho dump``: the resolved settings as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.commands import options
from ptycho.commands.command import Command
from ptyconf import commands

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the settings file."""
    options.add_answer(parser)
    parser.add_argument("--plain", action="store_true", help="without origins")
    options.add_sources(parser, metavar="SCAN|FILE.toml")
    options.add_purpose(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the settings to the terminal."""
    return options.answer(
        arguments, commands.dump(options.resolve(arguments, arguments.purpose), origins=not arguments.plain)
    )


COMMAND = Command(
    help="write the resolved settings as TOML, with origins as comments",
    order=80,
    add_arguments=add_arguments,
    run=run,
)
