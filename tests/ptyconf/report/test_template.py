"""A template tells the truth: each line, uncommented, loads, and a default leaves everything as it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Required, TypedDict

import pytest

from ptyconf import Precedence, Schema, View, resolve
from ptyconf.merge.same import same
from ptyconf.report.template import template
from ptyconf.sources import toml
from tests.ptyconf.report.test_jsonschema import SCHEMA as NESTED
from tests.ptyconf.report.test_round_trips import SCHEMA as KINDS

ORDER = Precedence("file")


@pytest.mark.parametrize("schema", [NESTED, KINDS], ids=["nested", "kinds"])
def test_every_line_loads(schema) -> None:  # type: ignore[no-untyped-def]
    """One by one; those that hold defaults change nothing."""
    plain = resolve(schema, ORDER, [])
    section, count = "", 0
    for line in template(schema).splitlines():
        match = re.fullmatch(r"(#|## for example:) (.* = .*)", line)
        if line.startswith("["):
            section = line
        elif match is not None and not line.startswith("#:"):
            count += 1
            found = resolve(schema, ORDER, toml.parse(f"{section}\n{match[2]}\n"))
            gathers = "tags" in match[2]
            if match[1] == "#" and not gathers:
                assert all(same(found.value(path), plain.value(path)) for path in plain), line
    assert count > 15
    assert "takes no other value" not in template(schema)


@dataclass
class Needy:
    """A class that needs a value."""

    host: str
    port: int = 1


@dataclass
class Optional:
    """One that may be absent."""

    needy: Needy | None = None


def test_an_example_of_what_needs_values_loads() -> None:
    """With what the class needs, and nothing else."""
    schema = Schema("s", [View(Optional, "")])
    (line,) = [line for line in template(schema).splitlines() if line.startswith("## for example: ")]
    text = line.removeprefix("## for example: ")
    assert text == 'needy = {host = "..."}'
    resolution = resolve(schema, Precedence("file"), toml.parse(text))
    assert resolution.build(Optional) == Optional(Needy("..."))


class Movie(TypedDict, total=False):
    """A table of which one key is needed."""

    title: Required[str]
    year: int


@dataclass
class Picky:
    """A class that refuses its own defaults."""

    size: int = 0

    def __post_init__(self) -> None:
        """Refuse nothing."""
        if not self.size:
            raise ValueError("no size")


@dataclass
class Shelf:
    """Both may be absent."""

    movie: Movie | None = None
    picky: Picky | None = None


def test_an_example_has_what_is_required() -> None:
    """Of a TypedDict too; what refuses its own defaults has no example."""
    text = template(Schema("s", [View(Shelf, "")]))
    assert '## for example: movie = {title = "..."}' in text
    assert "## picky: see its type" in text


@dataclass
class Pairs:
    """Lists of a fixed length, of which one stands in what a section needs."""

    pair: tuple[int, str]
    flags: tuple[bool, float, int]
    names: dict[str, int]


@dataclass
class Holder:
    """It may hold such a section."""

    pairs: Pairs | None = None


def test_an_example_of_a_list_of_fixed_length_has_its_types() -> None:
    """Element by element, by itself and inside a section."""
    text = template(Schema("s", [View(Pairs, "a"), View(Holder, "b")]))
    assert '## for example: pair = [1, "..."]\n' in text
    assert "## for example: flags = [true, 1.0, 1]\n" in text
    assert '## for example: pairs = {pair = [1, "..."], flags = [true, 1.0, 1], names = {}}\n' in text
