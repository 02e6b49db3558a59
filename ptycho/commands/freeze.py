"""``ptycho freeze``: settings in canonical form."""

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
    options.add_sources(parser, metavar="SCAN|FILE.toml")
    options.add_purpose(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the frozen settings to the terminal."""
    return options.answer(arguments, commands.freeze_settings(options.resolve(arguments, arguments.purpose)))


COMMAND = Command(
    help="write the resolved settings in canonical form, with a sha256",
    order=110,
    add_arguments=add_arguments,
    run=run,
)
