"""Values of every kind come back equal: dumped and loaded, frozen and replayed."""

from __future__ import annotations

import datetime as dt
import enum
import json
import uuid
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptyconf import ConfigError, Conversion, Precedence, Resolution, Schema, Setting, View, resolve
from ptyconf.freeze import Frozen, freeze
from ptyconf.merge.same import same
from ptyconf.report import dump_toml, to_json
from ptyconf.report.json import from_json
from ptyconf.sources import mapping, toml

TEXT = st.text(st.characters(codec="utf-8"), max_size=5)
KEYS = TEXT | st.sampled_from(["a.b", "", "é", '"', "\x7f", "[0]", "$date"])


class Colour(enum.Enum):
    """A choice."""

    RED = "red"
    BLUE = 2


class Right(enum.Flag):
    """A set of choices."""

    READ = 1
    WRITE = 2


class Point(NamedTuple):
    """A pair with names."""

    x: int
    y: float = 0.0


@dataclass
class End:
    """Inside tables, lists and where it may be absent."""

    host: str = "h"
    port: int = 1
    cert: Path | None = None


@dataclass
class Everything:
    """One setting of each kind."""

    flag: bool = True
    number: float = field(default=0.5, metadata={"nonfinite": True})
    text: str = ""
    date: dt.date = dt.date(2026, 1, 2)
    time: dt.time = dt.time(1, 2, 3)
    at: dt.datetime = dt.datetime(2026, 1, 2, 3, 4)
    span: dt.timedelta = dt.timedelta(seconds=90)
    price: Decimal = Decimal("1.10")
    part: Fraction = Fraction(1, 3)
    wave: complex = 1j
    identity: uuid.UUID = field(default_factory=lambda: uuid.UUID(int=1))
    address: IPv4Address = field(default_factory=lambda: IPv4Address("10.0.0.1"))
    raw: bytes = b"\x00\xff"
    colour: Colour = Colour.RED
    rights: Right = Right.READ
    mode: Literal["a", 1] = "a"
    either: dt.date | str = "x"
    point: Point = field(default_factory=lambda: Point(1))
    dates: list[dt.date] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list, metadata={"nonfinite": True})
    queue: deque[int] = field(default_factory=deque)
    names: frozenset[str] = frozenset({"b", "a"})
    pair: tuple[int, str] = (1, "a")
    by_number: dict[int, str] = field(default_factory=dict)
    free: dict[str, Any] = field(default_factory=dict)
    ordered: OrderedDict[str, int] = field(default_factory=OrderedDict)
    end: End | None = None
    ends: dict[str, End] = field(default_factory=lambda: {"us": End("us", 2)})
    items: list[End] = field(default_factory=list)
    tags: list[str] = field(default_factory=lambda: ["low"], metadata={"merge": "append"})


SCHEMA = Schema("everything", [View(Everything, "c")])
PRECEDENCE = Precedence("overrides", "file")
ENDS = st.builds(End, TEXT, st.integers(-9, 9))
DATES = st.dates()
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "flag": st.booleans(),
    "number": st.floats(),
    "text": TEXT,
    "date": DATES,
    "time": st.times(),
    "at": st.datetimes(timezones=st.none() | st.just(dt.UTC)),
    "span": st.timedeltas(),
    "price": st.decimals(allow_nan=False, allow_infinity=False),
    "part": st.fractions(),
    "wave": st.complex_numbers(allow_nan=False, allow_infinity=False),
    "identity": st.uuids(),
    "address": st.ip_addresses(v=4),
    "raw": st.binary(max_size=4),
    "colour": st.sampled_from(Colour),
    "rights": st.sampled_from([Right.READ, Right.WRITE, Right.READ | Right.WRITE, Right(0)]),
    "mode": st.sampled_from(["a", 1]),
    "either": DATES | TEXT,
    "point": st.builds(Point, st.integers(-9, 9), st.floats(allow_nan=False, allow_infinity=False)),
    "dates": st.lists(DATES, max_size=2),
    "numbers": st.lists(st.floats(), max_size=2),
    "queue": st.lists(st.integers(-9, 9), max_size=2).map(deque),
    "names": st.frozensets(TEXT, max_size=2),
    "pair": st.tuples(st.integers(-9, 9), TEXT),
    "by_number": st.dictionaries(st.integers(-9, 9), TEXT, max_size=2),
    "free": st.dictionaries(KEYS.filter(lambda key: key != "$date"), st.integers(-9, 9) | TEXT, max_size=2),
    "ordered": st.dictionaries(KEYS, st.integers(-9, 9), max_size=2).map(OrderedDict),
    "end": st.none() | ENDS,
    "ends": st.dictionaries(KEYS, ENDS, max_size=2),
    "items": st.lists(ENDS, max_size=2),
    "tags": st.lists(TEXT, max_size=2),
}


def resolved(values: dict[str, Any], *layers: Any) -> Resolution:
    """Resolve some values of the class."""
    return resolve(SCHEMA, PRECEDENCE, [mapping.layer("overrides", {"c": values}), *layers])


def assert_equal(one: Resolution, two: Resolution) -> None:
    """Compare value by value, strictly."""
    assert list(one) == list(two)
    for path in one:
        assert same(one.value(path), two.value(path)), path


@pytest.mark.parametrize("name", VALUES)
@given(data=st.data())
def test_a_dump_loads_back(name: str, data: st.DataObject) -> None:
    """Also where the default would be added to, or is not empty."""
    before = resolved({name: data.draw(VALUES[name])})
    for origins in (True, False):
        text = dump_toml(before, origins=origins)
        assert_equal(resolve(SCHEMA, PRECEDENCE, toml.parse(text)), before)


@pytest.mark.parametrize("name", VALUES)
@given(data=st.data())
def test_what_is_frozen_is_replayed(name: str, data: st.DataObject) -> None:
    """With equal values and an equal fingerprint."""
    before = resolved({name: data.draw(VALUES[name])})
    frozen = Frozen.loads(freeze(before).dumps())
    again = frozen.replay(SCHEMA)
    assert_equal(again, before)
    assert freeze(again).sha256 == frozen.sha256
    assert frozen.compare(again) == ()


@pytest.mark.parametrize("name", VALUES)
@given(data=st.data())
def test_a_json_report_reads_back(name: str, data: st.DataObject) -> None:
    """Every value by its path."""
    before = resolved({name: data.draw(VALUES[name])})
    again = from_json(SCHEMA, json.loads(json.dumps(to_json(before))))
    assert list(again) == list(before)
    for path, value in again.items():
        assert same(value, before.value(path)), path


def test_a_conversion_is_dumped_as_it_is_read() -> None:
    """A spelling that the setting's own conversion reads back."""
    seconds = Conversion("s", lambda value: dt.timedelta(seconds=value), lambda span: span.total_seconds())
    schema = Schema("s", (), [Setting("a.span", dt.timedelta, dt.timedelta(), conversion=seconds)])
    before = resolve(schema, PRECEDENCE, toml.parse("a.span = 60"))
    assert before.value("a.span") == dt.timedelta(seconds=60)
    text = dump_toml(before, origins=False)
    assert text == "[a]\nspan = 60.0\n"
    assert resolve(schema, PRECEDENCE, toml.parse(text)).value("a.span") == dt.timedelta(seconds=60)
    assert freeze(before).replay(schema).value("a.span") == dt.timedelta(seconds=60)


def test_what_toml_cannot_say_is_a_problem() -> None:
    """None inside a list, and half a character; told with the setting."""
    schema = Schema("s", (), [Setting("a.l", list[int | None], []), Setting("a.t", str, "")])
    for values, words in (
        ({"a.l": [1, None]}, "'a.l' holds none inside, which TOML cannot say"),
        ({"a.t": "\ud800"}, "'a.t' holds half a character, which TOML cannot say"),
    ):
        resolution = resolve(schema, PRECEDENCE, [mapping.layer("overrides", values)])
        with pytest.raises(ConfigError) as caught:
            dump_toml(resolution)
        assert str(caught.value) == words


@dataclass
class Account:
    """A class with a secret in it."""

    name: str = "n"
    password: str = field(default="", metadata={"secret": True})


@dataclass
class Holder:
    """Secrets wherever a class can stand, and a table of them."""

    listed: list[Account] = field(default_factory=list)
    keyed: dict[str, Account] = field(default_factory=dict)
    perhaps: Account | None = None
    tokens: dict[str, str] = field(default_factory=dict, metadata={"secret": True})


@pytest.mark.parametrize(
    "text",
    ["", '[[h.listed]]\npassword = "canary"\n[h.keyed.x]\npassword = "canary"\n[h.tokens]\na = "canary"'],
)
def test_secrets_are_written_nowhere(text: str) -> None:
    """In lists, tables and sections that may be absent; what is around them loads back."""
    schema = Schema("h", [View(Holder, "h")])
    perhaps = '[h.perhaps]\npassword = "canary"\n' if text else ""
    before = resolve(schema, PRECEDENCE, toml.parse(f"{perhaps}{text}"))
    dumped, frozen = dump_toml(before), freeze(before)
    assert "canary" not in dumped + frozen.dumps() + json.dumps(to_json(before)) + repr(before)
    for again in (resolve(schema, PRECEDENCE, toml.parse(dumped)), frozen.replay(schema)):
        assert [each.name for each in again.value("h.listed")] == ["n"] * bool(text)


ZONES = st.timedeltas(dt.timedelta(hours=-23), dt.timedelta(hours=23)).map(dt.timezone)


@given(st.times(timezones=ZONES), st.datetimes(timezones=ZONES))
def test_any_zone_comes_back(time: dt.time, moment: dt.datetime) -> None:
    """Times of day with a zone, offsets with seconds: what TOML has no word for stands as text."""
    settings = [Setting("a.t", dt.time, time), Setting("a.m", dt.datetime | None, moment)]
    schema = Schema("s", settings=settings)
    before = resolve(schema, Precedence("file"), [])
    after = resolve(schema, Precedence("file"), toml.parse(dump_toml(before)))
    assert [after[path].isoformat() for path in ("a.t", "a.m")] == [time.isoformat(), moment.isoformat()]
    assert freeze(after).sha256 == freeze(before).sha256


EITHER: Any = bytes | str | Path | Decimal | dt.timedelta | int
UNTOLD = (
    st.binary(max_size=2)
    | st.sampled_from(["base64:eA==", "a/b", "1.5", "P1D"])
    | st.sampled_from([Path("/a/b"), Decimal("1.5"), dt.timedelta(1), 5])
)


@given(UNTOLD, st.lists(UNTOLD, max_size=2))
def test_a_dump_says_what_it_cannot_say(value: Any, values: list[Any]) -> None:
    """A value that a file cannot tell from a text comes back, or its line says what a load makes of it."""
    kinds = {"a": (EITHER, value), "b": (list[EITHER], values), "c": (Any, value)}
    schema = Schema("s", settings=[Setting(path, kind, default) for path, (kind, default) in kinds.items()])
    before = resolve(schema, Precedence("file"), [])
    text = dump_toml(before, origins=False)
    after = resolve(schema, Precedence("file"), toml.parse(text))
    for path in kinds:
        line = next(line for line in text.splitlines() if line.startswith(f"{path} = "))
        assert same(after[path], before[path]) is ("when loaded" not in line and "a load makes" not in line)
