"""Strict reading of values, from typed sources and from text."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NewType

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptyconf.schema.anchor import anchor
from ptyconf.schema.kind import Mismatch
from ptyconf.schema.types import Kinds


class Colour(enum.Enum):
    """An enum with text values."""

    RED = "red"
    BLUE = "blue"


@dataclass
class Server:
    """A class inside a list."""

    host: str
    port: int = 80


@attrs.define
class Pool:
    """An attrs class around another class."""

    servers: list[Server]


Photons = NewType("Photons", float)

ACCEPTED: list[tuple[Any, Any, Any]] = [
    (bool, True, True),
    (int, 3, 3),
    (float, 3, 3.0),
    (float, 2.5, 2.5),
    (str, "x", "x"),
    (Path, "a/b", Path("a/b")),
    (Path, Path("a"), Path("a")),
    (int | None, None, None),
    (Literal[64, 128], 64, 64),
    (Colour, "red", Colour.RED),
    (Colour, "RED", Colour.RED),
    (Colour, Colour.BLUE, Colour.BLUE),
    (list[int], (1, 2), [1, 2]),
    (list[float], [1], [1.0]),
    (tuple[int, int], [2, 3], (2, 3)),
    (tuple[str, ...], ["a"], ("a",)),
    (Sequence[int], [1], [1]),
    (set[str], ["a", "a"], {"a"}),
    (frozenset[str], {"a"}, frozenset({"a"})),
    (dict[str, int], {"a": 1}, {"a": 1}),
    (Mapping[str, float], {"a": 1}, {"a": 1.0}),
    (int | Literal["auto"], "auto", "auto"),
    (int | str, "x", "x"),
    (Photons, 3, 3.0),
    (Annotated[int, "unit"], 3, 3),
    (datetime.date, datetime.date(2026, 1, 2), datetime.date(2026, 1, 2)),
    (bool, np.bool_(True), True),
    (int, np.int64(3), 3),
    (float, np.float32(0.5), 0.5),
    (Any, [1, {"a": 2}], [1, {"a": 2}]),
    (Server, {"host": "a"}, Server("a")),
    (Server, Server("a"), Server("a")),
    (list[Server], [{"host": "a", "port": 1}], [Server("a", 1)]),
    (Pool, {"servers": [{"host": "a"}]}, Pool([Server("a")])),
]

REFUSED: list[tuple[Any, Any, str]] = [
    (bool, "false", "true or false"),
    (bool, 1, "true or false"),
    (int, 1.9, "a whole number"),
    (int, True, "a whole number"),
    (int, 3.0, "a whole number"),
    (int, "3", "a whole number"),
    (float, True, "a number"),
    (float, "1", "a number"),
    (float, float("nan"), "a finite number"),
    (float, float("inf"), "a finite number"),
    (float, 10**400, "a number below 1.8e308"),
    (bool, np.float64(1.0), "true or false"),
    (str, 3, "text"),
    (Path, 3, "a path"),
    (list[str], "abc", "a list of texts"),
    (list[int], {"a": 1}, "a list of whole numbers"),
    (tuple[int, int], [1, 2, 3], "a list of 2 whole numbers"),
    (tuple[int, str], [1], "a list of a whole number, text"),
    (dict[str, int], [("a", 1)], "a table of whole numbers"),
    (Literal[1, 2], True, "one of 1, 2"),
    (Literal["a", "b"], "c", 'one of "a", "b"'),
    (Colour, "green", 'one of "red", "blue"'),
    (int | None, "x", "a whole number"),
    (int | Literal["auto"], 1.5, 'a whole number or "auto"'),
    (datetime.date, datetime.datetime(2026, 1, 2), "a date"),
    (Server, 3, "a table that makes a Server"),
    (Server, {"host": "a", "prot": 1}, "a table that makes a Server, which has no prot"),
    (Server, {"host": "a", "port": "80"}, "a whole number"),
    (Server, {"port": 1}, "a table that makes a Server, which needs host"),
]


@pytest.mark.parametrize(("kind", "value", "read"), ACCEPTED)
def test_typed_values_that_fit_are_taken(kind: Any, value: Any, read: Any) -> None:
    """Values of the type, and widenings that lose nothing."""
    found = Kinds().of(kind).typed(value)
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(("kind", "value", "expected"), REFUSED)
def test_typed_values_that_do_not_fit_are_refused(kind: Any, value: Any, expected: str) -> None:
    """Nothing is guessed: no text to number, no number to flag, no text to list."""
    with pytest.raises(Mismatch) as caught:
        Kinds().of(kind).typed(value)
    assert caught.value.expected == expected


def test_place_inside_a_container_is_told() -> None:
    """The mismatch says which element of which key."""
    with pytest.raises(Mismatch) as caught:
        Kinds().of(dict[str, list[int]]).typed({"a": [1, "x"]})
    assert (caught.value.at, caught.value.expected) == (".a[1]", "a whole number")
    with pytest.raises(Mismatch) as caught:
        Kinds().of(Pool).typed({"servers": [{"host": "a", "port": "x"}]})
    assert caught.value.expected == "a whole number"
    assert caught.value.at == ".servers[0].port"


def test_integral_float_gets_a_hint() -> None:
    """3.0 for a whole number is refused, and the hint is 3."""
    with pytest.raises(Mismatch) as caught:
        Kinds().of(int).typed(3.0)
    assert caught.value.hint == "3"


def test_nonfinite_numbers_only_where_allowed() -> None:
    """A setting may allow NaN and infinities."""
    assert Kinds().of(float, nonfinite=True).typed(float("inf")) == float("inf")
    assert Kinds().of(float, nonfinite=True).text("inf") == float("inf")
    assert Kinds().of(float | None, nonfinite=True).typed(float("-inf")) == float("-inf")


TEXTS: list[tuple[Any, str, Any]] = [
    (bool, "true", True),
    (bool, "false", False),
    (int, "10", 10),
    (int, "1_000", 1000),
    (int, "0xff", 255),
    (float, "1e9", 1e9),
    (float, "3", 3.0),
    (str, "10", "10"),
    (str, "none", "none"),
    (str | None, "none", None),
    (str | None, "x", "x"),
    (int | None, "none", None),
    (int | None, "7", 7),
    (Path, "a b", Path("a b")),
    (list[str], '["a", "b"]', ["a", "b"]),
    (tuple[int, int], "[2, 3]", (2, 3)),
    (dict[str, int], "{a = 1}", {"a": 1}),
    (Literal["a", "b"], "a", "a"),
    (Literal[64, 128], "64", 64),
    (int | Literal["auto"], "auto", "auto"),
    (int | Literal["auto"], "4", 4),
    (int | str, "4", 4),
    (int | str, "four", "four"),
    (Colour, "red", Colour.RED),
    (datetime.date, "2026-01-02", datetime.date(2026, 1, 2)),
    (Any, "[1]", [1]),
    (Any, "plain", "plain"),
]


@pytest.mark.parametrize(("kind", "text", "read"), TEXTS)
def test_text_is_parsed_as_toml_by_type(kind: Any, text: str, read: Any) -> None:
    """Environment and flags are text; text and paths are taken as they are."""
    found = Kinds().of(kind).text(text)
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (bool, "True"),
        (bool, "1"),
        (bool, "yes"),
        (int, "ten"),
        (int, "1.5"),
        (int, "true"),
        (int, ""),
        (int, "1\nx = 2"),
        (float, "nan"),
        (float, "1e999"),
        (float, "."),
        (list[str], "a,b"),
        (Literal["a"], "b"),
        (int | None, "None"),
        (list[int], "[" * 5000),
    ],
)
def test_text_that_does_not_parse_is_refused(kind: Any, text: str) -> None:
    """Only the declared spellings are accepted, and hostile text is only refused."""
    with pytest.raises(Mismatch):
        Kinds().of(kind).text(text)


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans())
def test_spelled_scalars_read_back(value: Any) -> None:
    """What reports toml_text is what text sources read."""
    from ptyconf.text.show import toml_text

    found = Kinds().of(type(value)).text(toml_text(value))
    assert found == value
    assert type(found) is type(value)


def test_paths_inside_containers_are_anchored() -> None:
    """Relative paths resolve against the folder; absolute ones stay."""
    value = {"a": [Path("x"), Path("/y")]}
    assert anchor(value, Path("/base")) == {"a": [Path("/base/x"), Path("/y")]}


@pytest.mark.parametrize("kind", [str | None, Path | None])
@given(text=st.one_of(st.text(max_size=8), st.from_regex(r'"{0,3}none"{0,3}', fullmatch=True)))
def test_every_text_can_be_given_beside_none(kind: Any, text: str) -> None:
    """What is written of an optional text is read as it, ``none`` and quoted ones too; none alone is None."""
    found = Kinds().of(kind)
    value = found.typed(text)
    assert found.text(found.written(value)) == value
    assert found.text("none") is None
    assert found.text('"none"') == found.typed("none")
