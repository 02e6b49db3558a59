"""The commands that read settings and run nothing: the engine speaks, with the program's own schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ptycho.commands import sources
from ptycho.run.resolve import groups_missing, resolve_layers
from ptycho.settings.layers import BARE_NAMES
from ptycho.settings.schema import schema
from ptyconf import commands

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from ptyconf import Resolution
    from ptyconf.commands import Answer


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare what one command takes."""
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    parser.set_defaults(answer=_ANSWERS[command])
    if command == "template":
        parser.add_argument("--schema-url", default="", metavar="URL", help="where the JSON Schema lies")
        return
    if command == "schema":
        return
    if command == "replay":
        parser.add_argument("frozen", type=Path, metavar="FROZEN", help="a file that freeze wrote")
    if command == "dump":
        parser.add_argument("--plain", action="store_true", help="without origins")
    sources.add_arguments(parser, "train", files={"check": "+", "replay": "*"}.get(command, 1))
    if command == "explain":
        parser.add_argument("path", nargs="?", metavar="SETTING", help="model.gridsize; all if left out")
    if command == "diff":
        parser.add_argument("other", type=Path, metavar="OTHER.toml", help="the file to compare with")
    parser.add_argument(
        "--for", dest="purpose", choices=tuple(BARE_NAMES), default="train", help="what the settings are for"
    )


def run(arguments: argparse.Namespace) -> int:
    """Say what was asked for; 0, or 1 for a difference or a failed check."""
    answer: Callable[[argparse.Namespace], Answer] = arguments.answer
    said = answer(arguments)
    print(said.shown(as_json=arguments.json))
    return said.code


def _resolve(arguments: argparse.Namespace) -> Resolution:
    return sources.resolve(arguments, arguments.purpose)


def _explain(arguments: argparse.Namespace) -> Answer:
    return commands.explain(_resolve(arguments), arguments.path)


def _check(arguments: argparse.Namespace) -> Answer:
    def load() -> Resolution:
        resolution = _resolve(arguments)
        if arguments.purpose == "train":
            if resolution["training.n_groups"] is None:
                raise groups_missing("train")
            sources.require_scans_of_training(resolution)
        return resolution

    return commands.check(load)


def _diff(arguments: argparse.Namespace) -> Answer:
    after = sources.resolve(arguments, arguments.purpose, files=[arguments.other])
    return commands.compare(_resolve(arguments), after)


def _dump(arguments: argparse.Namespace) -> Answer:
    return commands.dump(_resolve(arguments), origins=not arguments.plain)


def _describe(_arguments: argparse.Namespace) -> Answer:
    return commands.describe(schema)


def _template(arguments: argparse.Namespace) -> Answer:
    return commands.write_template(schema, schema_url=arguments.schema_url, defaults=resolve_layers(()))


def _freeze(arguments: argparse.Namespace) -> Answer:
    return commands.freeze_settings(_resolve(arguments))


def _replay(arguments: argparse.Namespace) -> Answer:
    now = _resolve(arguments) if arguments.files else None
    return commands.replay(arguments.frozen, schema, now)


_ANSWERS: dict[str, Callable[[argparse.Namespace], Answer]] = {
    "explain": _explain,
    "check": _check,
    "diff": _diff,
    "dump": _dump,
    "schema": _describe,
    "template": _template,
    "freeze": _freeze,
    "replay": _replay,
}
