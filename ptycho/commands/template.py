"""``ptycho template``: a settings file to fill in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.commands import options
from ptycho.commands.command import Command
from ptycho.settings.schema import OFFERED, schema
from ptyconf import commands

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where the JSON Schema lies."""
    options.add_answer(parser)
    options.add_recipe(parser)
    parser.add_argument("--schema-url", default="", metavar="URL", help="where the JSON Schema lies")


def run(arguments: argparse.Namespace) -> int:
    """Write the template to the terminal."""
    text = commands.write_template(
        schema,
        schema_url=arguments.schema_url,
        defaults=options.defaults(arguments.recipe),
        paths=OFFERED,
    )
    return options.answer(arguments, text)


COMMAND = Command(
    help="write a TOML file with every setting, its help, unit and default",
    order=90,
    add_arguments=add_arguments,
    run=run,
)
