"""``ptycho check``: settings are checked, nothing runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.commands import options
from ptycho.commands.command import Command
from ptyconf import commands

if TYPE_CHECKING:
    import argparse

    from ptyconf import Resolution


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the settings files."""
    options.add_answer(parser)
    options.add_sources(parser, metavar="SCAN|FILE.toml")
    options.add_purpose(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check; 1 where something is wrong."""

    def load() -> Resolution:
        resolution = options.resolve(arguments, arguments.purpose)
        if arguments.purpose == "train":
            options.require_scans_of_training(resolution)
        return resolution

    return options.answer(arguments, commands.check(load))


COMMAND = Command(
    help="check settings without running anything", order=60, add_arguments=add_arguments, run=run
)
