"""The layer of command-line flags: made from the schema, holding only those really given."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ptyconf.arguments import expect, expect_each
from ptyconf.merge.fault import Fault
from ptyconf.merge.layer import Layer
from ptyconf.merge.origin import Origin
from ptyconf.schema.index import Alias
from ptyconf.schema.path import Segments, split_path
from ptyconf.schema.schema import Schema
from ptyconf.schema.setting import Setting
from ptyconf.schema.tree import Slot
from ptyconf.sources.command_line import CommandLine
from ptyconf.sources.flag_parser import Given, TakeFlag, add_flags, describe
from ptyconf.sources.flag_values import given, key_of_flag, parser_defaults
from ptyconf.sources.flag_words import PROFILE
from ptyconf.sources.lists import indexed, joined_text

__all__ = [
    "Given",
    "TakeFlag",
    "add_flags",
    "describe",
    "find_setting",
    "given",
    "join",
    "layer",
    "parse",
    "parser_defaults",
]


def layer(namespace: argparse.Namespace, *, name: str = "flags", schema: Schema | None = None) -> Layer:
    """Make a layer of the flags that were given to a parser with ``add_flags``, and to its subparsers.

    Args:
        namespace: What the parser gave.
        name: Name in the precedence.
        schema: The settings, for a namespace that was pickled: else its flags know those of their parser.
    """
    expect(
        "flags.layer",
        "namespace",
        namespace,
        argparse.Namespace,
        "what a parser gave",
        "flags.parse(argv, schema)",
    )
    flags_given = sorted(
        (value for value in vars(namespace).values() if isinstance(value, Given)),
        key=lambda flag: flag.number,
    )
    return join(flags_given, schema, name=name)


def join(flags_given: Iterable[Given], schema: Schema | None, *, name: str = "flags") -> Layer:
    """Put flags together to a layer: the last of a scalar counts, those of a list are its elements."""
    texts: dict[str, list[str]] = {}
    spelled: dict[str, str] = {}
    schemas: dict[str, Schema | None] = {}
    for flag in flags_given:
        texts.setdefault(flag.path, []).append(flag.text)
        spelled[flag.path] = flag.spelled
        schemas[flag.path] = schema or flag.schema
    values: dict[str, Any] = {}
    elements: dict[Segments, str] = {}
    for path, given_texts in texts.items():
        segments = split_path(path)
        if any(isinstance(segment, int) for segment in segments):
            elements[segments] = given_texts[-1]
            if isinstance(segments[-1], int):  # a list of single values is named by its first element
                spelled.setdefault(key_of_flag(segments[:-1]), spelled[path])
        else:
            values[path] = joined_text(schemas[path], path, given_texts)
    faults: list[Fault] = []
    for root, lists in indexed(elements).items():
        if root in values:
            element = next(spelled[path] for path in texts if path.startswith(f"{root}["))
            text = f"{root!r} is given whole and by number: as {spelled[root]} and as {element}"
            origin = Origin("flag", "command line", element)
            faults.append(Fault(text, origin=origin, hint=f"keep one of {spelled[root]} and {element}"))
        values.setdefault(root, lists)
    made = given(values, name=name, spelling=spelled)
    return replace(made, faults=tuple(faults)) if faults else made


def parse(
    argv: Sequence[str], schema: Schema, *, name: str = "flags", program: str = "", description: str = ""
) -> tuple[Layer, str | None]:
    """Read a command line that has flags of the schema alone, also for keys of tables; ``-h`` prints help.

    Whatever is wrong with it is told by ``resolve``, together with everything else.

    Args:
        argv: The arguments, without the program's name.
        schema: The settings.
        name: Name in the precedence.
        program: Name of the program in its help.
        description: What the help says first.

    Returns:
        The layer, and the profile that ``--profile`` asks for.
    """
    expect("flags.parse", "schema", schema, Schema, "a Schema", "schema_of(App)")
    argv = expect_each("flags.parse", "argv", argv, str, "sys.argv[1:]")
    line = CommandLine(schema)
    if not line.asks_for_help.isdisjoint(argv):
        parser = argparse.ArgumentParser(
            prog=program or None, description=description.replace("%", "%%"), add_help=False
        )
        asking = sorted(line.asks_for_help, key=len)
        parser.add_argument(*asking, action="help", help="show this help message and exit")
        parser.add_argument(PROFILE, metavar="NAME", help="take [profile.NAME] of the settings files")
        add_flags(parser, schema, taken=("help",))
        parser.parse_args(["-h"])
    line.read(list(argv))
    made = join(line.given, schema, name=name)
    return replace(made, faults=(*made.faults, *line.faults)), line.profile


def find_setting(schema: Schema, key: str) -> Setting | None:
    """Find the setting that a full, aliased or bare key means, or None."""
    setting = schema.index.find(key)
    return schema[setting.path] if isinstance(setting, (Slot, Alias)) else None
