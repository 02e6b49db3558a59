"""``ptycho explain``: say where settings come from."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING

from ptycho.commands import sources
from ptycho.config.precedence import BARE_NAMES
from ptycho.config.settings import schema
from ptyconf import Problem

if TYPE_CHECKING:
    import argparse

    from ptycho.config.precedence import Command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file, the settings asked for, and the form of the answer."""
    sources.add_arguments(parser, "train", files=1)
    parser.add_argument("paths", nargs="*", metavar="SETTING", help="such as model.gridsize; all if left out")
    parser.add_argument(
        "--for", dest="purpose", choices=tuple(BARE_NAMES), default="train", help="what the settings are for"
    )
    parser.add_argument("--json", action="store_true", help="answer in JSON, version 1")


def run(arguments: argparse.Namespace) -> int:
    """Print the story of the settings asked for, or a table of all."""
    from ptyconf.report import story, table, to_json

    paths = [find_setting(name, arguments.purpose) for name in arguments.paths]
    resolution = sources.resolve(arguments, arguments.purpose)
    if arguments.json:
        answers = [to_json(resolution, path) for path in paths] or [to_json(resolution)]
        print(json.dumps(answers[0] if len(answers) == 1 else answers, indent=1))
    elif paths:
        print("\n\n".join(story(resolution, path) for path in paths))
    else:
        print(table(resolution))
    return 0


def find_setting(name: str, purpose: Command) -> str:
    """Find the path that a path, an alias or a bare name stands for.

    Raises:
        Problem: There is no such setting, or the name could mean several.
    """
    found = schema.index.find(name, BARE_NAMES[purpose])
    path = getattr(found, "path", None)
    if isinstance(path, str):
        return path
    section = name.rpartition(".")[0]
    known = [item.name for item in schema.settings.values() if item.section == section] or list(schema)
    close = difflib.get_close_matches(name, [*schema, *(each.name for each in schema.settings.values())], n=1)
    raise Problem(
        f"unknown setting '{name}'",
        path=name,
        known=", ".join(known[:12]) + (", ..." if len(known) > 12 else ""),
        hint=close[0] if close else "ptycho explain FILE.toml, which lists all settings",
    )
