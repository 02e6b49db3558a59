"""How the flag of a setting is spelled, and which words it takes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection
from typing import Any

from ptyconf.schema.index import Alias
from ptyconf.schema.schema import Schema
from ptyconf.schema.tree import Slot

TRUE_OR_FALSE = ("true", "false")


def options_of(
    schema: Schema, path: str, order: tuple[str, ...], used: Collection[str], *, short: bool
) -> list[str]:
    """List the spellings of a setting's flag: its paths, and its name where that is clear."""
    brief = f"--{schema[path].name}"
    paths = [f"--{name}" for name in (path, *schema[path].aliases) if f"--{name}" not in used]
    meant = schema.index.find_bare(schema[path].name, order)
    clear = isinstance(meant, (Slot, Alias)) and meant.path == path and brief not in (*used, *paths)
    return [*paths[:1], brief, *paths[1:]] if short and clear else paths


def negated(option: str) -> str:
    """Spell the flag that turns a switch off."""
    return f"--no-{option[2:]}"


def is_switch(schema: Schema, path: str) -> bool:
    """Tell whether a setting is true or false, so that its flag needs no word."""
    return bool(schema.index.slots[path].kind.expected == "true or false")


def join_switches(parser: argparse.ArgumentParser, switches: Collection[str]) -> None:
    """Let a switch take a word behind it only where that is true or false: argparse would take any."""
    plain = parser.parse_known_args

    def parse_known_args(args: Any = None, namespace: Any = None) -> Any:
        words = list(sys.argv[1:] if args is None else args)
        joined: list[str] = []
        while words:
            word = words.pop(0)
            if word == "--":
                joined += [word, *words]
                break
            if word in switches:
                word = f"{word}={words.pop(0) if words and words[0] in TRUE_OR_FALSE else 'true'}"
            joined.append(word)
        return plain(joined, namespace)

    parser.parse_known_args = parse_known_args  # type: ignore[method-assign]


def metavar(schema: Schema, path: str) -> str:
    """Name the word that a flag takes."""
    words = {"a whole number": "INT", "a number": "NUMBER", "a path": "PATH"}
    return words.get(schema.index.slots[path].kind.expected, schema[path].name.upper())
