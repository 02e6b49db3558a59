"""``ptycho diff``: what differs between two settings files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ptycho.commands import options
from ptycho.commands.command import Command
from ptyconf import commands

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare both settings files."""
    options.add_answer(parser)
    options.add_sources(parser, files=1)
    parser.add_argument("--values", action="store_true", help="only differences of value, not of source")
    parser.add_argument("other", type=Path, metavar="OTHER.toml", help="the file to compare with")
    options.add_purpose(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compare; 1 for a difference."""
    after = options.resolve(arguments, arguments.purpose, files=[arguments.other])
    before = options.resolve(arguments, arguments.purpose)
    return options.answer(arguments, commands.compare(before, after, values_only=arguments.values))


COMMAND = Command(
    help="show what differs between two settings files, in value or in source",
    order=70,
    add_arguments=add_arguments,
    run=run,
)
