"""``ptycho replay``: frozen settings, resolved again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ptycho.commands import options
from ptycho.commands.command import Command
from ptycho.settings.schema import schema
from ptyconf import commands

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the frozen settings, and the files of now."""
    options.add_answer(parser)
    parser.add_argument("frozen", type=Path, metavar="FROZEN", help="a file that freeze wrote")
    options.add_sources(parser, files="*")
    options.add_purpose(parser)


def run(arguments: argparse.Namespace) -> int:
    """Replay; 1 where something would now be another value."""
    now = options.resolve(arguments, arguments.purpose) if arguments.files else None
    return options.answer(arguments, commands.replay(arguments.frozen, schema, now))


COMMAND = Command(
    help="resolve to frozen settings, and say which layer would now disagree",
    order=120,
    add_arguments=add_arguments,
    run=run,
)
