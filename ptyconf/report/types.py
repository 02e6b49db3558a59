"""The table of supported types, read off the kinds themselves."""

from __future__ import annotations

import collections
import enum
import json
import typing
from collections.abc import Iterator
from typing import Any

from ptyconf.schema.families import KINDS
from ptyconf.schema.kind import Kind
from ptyconf.schema.types import Kinds


class Colour(enum.Enum):
    """An enum, as an example."""

    RED = "red"
    BLUE = 2


class Right(enum.Flag):
    """A flag, as an example."""

    READ = 1
    WRITE = 2


class Point(typing.NamedTuple):
    """A named tuple, as an example."""

    x: int
    y: int = 0


class Movie(typing.TypedDict):
    """A typed dict, as an example."""

    title: str


COMPOSED: tuple[tuple[str, Any], ...] = (
    ("Enum", Colour),
    ("Flag", Right),
    ('Literal["a", 1]', typing.Literal["a", 1]),
    ("int | None", int | None),
    ("int | str", int | str),
    ("list[int]", list[int]),
    ("set[int]", set[int]),
    ("frozenset[int]", frozenset[int]),
    ("deque[int]", collections.deque[int]),
    ("tuple[int, ...]", tuple[int, ...]),
    ("tuple[int, str]", tuple[int, str]),
    ("dict[str, float]", dict[str, float]),
    ("dict[int, str]", dict[int, str]),
    ("NamedTuple", Point),
    ("TypedDict", Movie),
    ("Any", Any),
)


def supported_types() -> str:
    """Write a table of the types that a setting may have: what is read, and what JSON Schema says of it."""
    rows = ["| type | read | JSON Schema |", "|---|---|---|"]
    rows += [_row(name, kind) for name, kind in _kinds()]
    return "\n".join(rows) + "\n"


def _kinds() -> Iterator[tuple[str, Kind]]:
    for module in KINDS:
        for written, kind in KINDS[module].items():
            if isinstance(written, type) and written is not type(None):
                name = written.__qualname__
                yield (name if module == "builtins" else f"{module}.{name}"), kind
    kinds = Kinds()
    for name, kind in COMPOSED:
        yield name, kinds.of(kind)


def _row(name: str, kind: Kind) -> str:
    schema_text = json.dumps(dict(kind.json_schema), ensure_ascii=False) if kind.json_schema else "anything"
    cells = (cell.replace("|", "\\|") for cell in (f"`{name}`", kind.expected, f"`{schema_text}`"))
    return f"| {' | '.join(cells)} |"
