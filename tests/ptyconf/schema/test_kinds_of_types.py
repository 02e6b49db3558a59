"""Every type that a schema accepts is read strictly and comes back; the rest is refused."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import json
import os
import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace
from typing import Annotated, Any, Final, Generic, NamedTuple, NewType, TypedDict, TypeVar

import cattrs
import pytest

from ptyconf import ConfigError, Kind, Precedence, Schema, SchemaError, Setting, View, resolve
from ptyconf.freeze import freeze
from ptyconf.merge.same import same
from ptyconf.report.jsonschema import json_schema
from ptyconf.schema.families import KINDS
from ptyconf.schema.kind import Mismatch, textual
from ptyconf.sources import environment, flags, mapping

T = TypeVar("T")
PRECEDENCE = Precedence("overrides", "flags")


class Level(enum.Enum):
    """By value, else by name."""

    LOW = 1
    HIGH = "h"


class Mode(enum.Flag):
    """A list of names."""

    READ = 1
    WRITE = 2


class Pair(NamedTuple):
    """A table, or a list in order."""

    x: int
    y: float = 2.0


class Point(TypedDict):
    """A table."""

    x: int


@dataclass
class Page(Generic[T]):
    """A generic class."""

    first: T | None = None


class Limit:
    """A limit as annotated-types has it."""

    ge = 3

    def __repr__(self) -> str:
        return "Limit()"  # names the test alike in every process


class Foreign:
    """A class that only its program knows."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Foreign) and other.value == self.value

    __hash__ = None  # type: ignore[assignment]


Port = NewType("Port", int)
SAMPLES: list[tuple[Any, str, Any, Any]] = [
    (datetime.timedelta, "1h30m", 5400, datetime.timedelta(hours=1, minutes=30)),
    (datetime.timedelta, "00:01:30", 90, datetime.timedelta(seconds=90)),
    (datetime.timedelta, "-PT1.5S", -1.5, datetime.timedelta(seconds=-1.5)),
    (datetime.datetime, "2020-01-01T00:00:00+02:00", None, None),
    (decimal.Decimal, "1.50", "1.50", decimal.Decimal("1.50")),
    (Fraction, "1/3", "1/3", Fraction(1, 3)),
    (complex, "1+2j", "1+2j", 1 + 2j),
    (uuid.UUID, "12345678123456781234567812345678", None, None),
    (bytes, "hex:00ff", "base64:AP8=", b"\x00\xff"),
    (re.Pattern[str], "a+", "a+", re.compile("a+")),
    (Level, "h", "HIGH", Level.HIGH),
    (Mode, "READ,WRITE", ["READ", "WRITE"], Mode.READ | Mode.WRITE),
    (Pair, "{x = 1}", [1, 2.0], Pair(1)),
    (Point, "{x = 1}", {"x": 1}, {"x": 1}),
    (dict[int, str], '{1 = "a"}', {"1": "a"}, {1: "a"}),
    (collections.OrderedDict[str, int], '{"a": 1}', {"a": 1}, {"a": 1}),
    (collections.deque[int], "[1, 2]", [1, 2], collections.deque([1, 2])),
    (frozenset[str], '["a"]', ["a"], frozenset({"a"})),
    (Iterable[int], "[1]", [1], [1]),
    (Final[int], "3", 3, 3),
    (Port, "3", 3, 3),
    (Annotated[int, Limit()], "3", 3, 3),
    (int | str, "x", "x", "x"),
]


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_kinds_are_read_and_written(sample: tuple[Any, str, Any, Any]) -> None:
    """Text, a typed value, and what TOML and JSON hold of it give the same."""
    kind, text, typed, value = sample
    schema = Schema("s", settings=[Setting("a.v", kind)])
    read = resolve(schema, PRECEDENCE, [flags.given({"a.v": text})])["a.v"]
    assert value is None or same(read, value) or read == value
    slot = schema.index.slots["a.v"].kind
    for written in (typed, slot.toml(read)):
        if written is not None:
            assert resolve(schema, PRECEDENCE, [mapping.layer("overrides", {"a.v": written})])["a.v"] == read
    assert same(slot.thawed(json.loads(json.dumps(slot.frozen(read)))), read)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (datetime.timedelta, True),
        (datetime.timedelta, "soon"),
        (decimal.Decimal, 1.5),
        (bytes, "AP8="),
        (Mode, ["OTHER"]),
        (Level, 2),
        (Pair, {"x": "a"}),
        (Annotated[int, Limit()], 2),
        (collections.deque[int], ["a"]),
        (os.PathLike[str], 3),
        (re.Pattern[str], "("),
        (set[int], [[1]]),
    ],
    ids=str,
)
def test_misfits_are_problems(kind: Any, value: Any) -> None:
    """Never an exception of somebody else's."""
    schema = Schema("s", settings=[Setting("a.v", kind)])
    with pytest.raises(ConfigError, match=r"^'a\.v"):
        resolve(schema, PRECEDENCE, [mapping.layer("overrides", {"a.v": value})])


@pytest.mark.parametrize("kind", [T, Callable[[int], int], Foreign, list[Foreign], type], ids=str)
def test_types_that_nobody_reads_are_refused(kind: Any) -> None:
    """When the schema is made, with the setting's name."""
    with pytest.raises(SchemaError, match=r"a\.v.*is a type that nobody can read"):
        Schema("s", settings=[Setting("a.v", kind)])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Schema("s", settings=[Setting("a.v", int, merge="append")]), "joins lists"),
        (lambda: Setting("a.v", int, merge="bogus"), "merge is 'bogus'; expected one of"),  # type: ignore[arg-type]
        (lambda: View(Page[int], "p"), "is a generic class with its types"),  # type: ignore[arg-type]
        (
            lambda: Schema("s", settings=[Setting("a.x", int), Setting("a.X", int)]),
            "would share the variable A__X",
        ),
        (lambda: Schema("s", settings=[Setting("a.b__c", int), Setting("a.b.c", int)]), "A__B__C"),
    ],
)
def test_what_cannot_work_is_refused_at_once(make: Any, said: str) -> None:
    """When it is declared, never at the first resolve."""
    with pytest.raises(SchemaError, match=re.escape(said)):
        make()


def test_a_class_holds_generic_classes() -> None:
    """Their variables are what the annotation says."""

    @dataclass
    class Book:
        page: Page[int]

    Book.__annotations__["page"] = Page[int]
    schema = Schema("s", [View(Book, "b")])
    layer = mapping.layer("overrides", {"b.page.first": 3})
    assert resolve(schema, PRECEDENCE, [layer]).build(Book).page == Page(3)
    with pytest.raises(ConfigError, match="expected a whole number"):
        resolve(schema, PRECEDENCE, [mapping.layer("overrides", {"b.page.first": "x"})])


def test_a_program_brings_its_hooks_and_kinds() -> None:
    """A converter's hooks are asked inside containers too; the schema works on a copy."""
    converter = cattrs.Converter()
    converter.register_structure_hook(Foreign, lambda value, _: Foreign(value))
    settings = [Setting("a.v", Foreign), Setting("a.l", list[Foreign])]
    schema = Schema("s", settings=settings, converter=converter)
    resolution = resolve(schema, PRECEDENCE, [mapping.layer("overrides", {"a": {"v": 3, "l": [1]}})])
    assert (resolution["a.v"], resolution["a.l"]) == (Foreign(3), [Foreign(1)])
    assert schema.converter is not converter
    assert schema.converter.structure([1], list[int]) == [1]
    with pytest.raises(cattrs.BaseValidationError):
        schema.converter.structure({"x": 1, "y": 2.0, "z": 3}, Page[int])
    kind = textual(Foreign, "a foreign value", Foreign, lambda foreign: foreign.value)
    schema = Schema("s", settings=settings, kinds=[kind])
    assert resolve(schema, PRECEDENCE, [flags.given({"a.v": "3"})])["a.v"] == Foreign("3")


def test_a_family_of_kinds_can_be_added() -> None:
    """By the name of the module that defines its types."""
    KINDS.add(__name__.partition(".")[0], {Foreign: textual(Foreign, "foreign", Foreign)})
    try:
        made = Schema("s", settings=[Setting("a.v", Foreign)])
        assert isinstance(made.index.slots["a.v"].kind, Kind)
    finally:
        KINDS.remove(__name__.partition(".")[0])


@pytest.mark.parametrize(("kind", "value"), [(decimal.Decimal, "NaN"), (complex, "inf+1j"), (float, "inf")])
def test_numbers_are_finite_unless_allowed(kind: Any, value: str) -> None:
    """NaN and infinities come in where the setting says so, of any kind of number."""
    with pytest.raises(ConfigError, match="finite"):
        resolve(
            Schema("s", settings=[Setting("a.v", kind)]),
            Precedence("environment"),
            [environment.layer("A", {"A__A__V": value})],
        )
    schema = Schema("s", settings=[Setting("a.v", kind, nonfinite=True)])
    resolution = resolve(schema, Precedence("environment"), [environment.layer("A", {"A__A__V": value})])
    assert same(freeze(resolution).replay(schema)["a.v"], resolution["a.v"])


def test_an_empty_tuple_has_no_elements() -> None:
    """``tuple[()]`` is not ``tuple``."""
    from ptyconf.schema.types import Kinds

    with pytest.raises(Mismatch):
        Kinds().of(tuple[()]).typed([1])
    assert Kinds().of(tuple[()]).typed([]) == ()
    assert Kinds().of(tuple).typed([1]) == (1,)


@pytest.mark.parametrize(
    ("kind", "lowest", "below"),
    [
        (decimal.Decimal, decimal.Decimal("0.5"), "0.4"),
        (Fraction, Fraction(1, 3), "1/4"),
        (datetime.timedelta, datetime.timedelta(seconds=2), 1),
        (datetime.date, datetime.date(2024, 1, 2), datetime.date(2024, 1, 1)),
    ],
)
def test_limits_hold_for_every_kind_in_order(kind: Any, lowest: Any, below: Any) -> None:
    """Also where JSON has no word for the limit: its schema then says nothing of it."""
    limited = Annotated[kind, SimpleNamespace(ge=lowest)]
    schema = Schema("s", settings=[Setting("a.v", limited, lowest)])
    order = Precedence("o")
    assert resolve(schema, order, [])["a.v"] == lowest
    with pytest.raises(ConfigError, match="at least"):
        resolve(schema, order, [mapping.layer("o", {"a.v": below})])
    assert "minimum" not in json.dumps(json_schema(schema))
