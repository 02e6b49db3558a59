"""``ptycho schema``: a JSON Schema of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.commands import options
from ptycho.commands.command import Command
from ptycho.settings.schema import OFFERED, schema
from ptyconf import commands

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the form of the answer."""
    options.add_answer(parser)
    options.add_recipe(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the schema to the terminal."""
    return options.answer(
        arguments, commands.describe(schema, defaults=options.defaults(arguments.recipe), paths=OFFERED)
    )


COMMAND = Command(
    help="write a JSON Schema of the settings for editors", order=100, add_arguments=add_arguments, run=run
)
