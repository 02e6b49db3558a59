"""Generated schemas and layers: classes inside classes, optional ones, tables, lists, unions, all kinds."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import ipaddress
import uuid
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, make_dataclass
from fractions import Fraction
from itertools import count
from pathlib import PurePosixPath
from typing import Any, Literal

from hypothesis import strategies as st

from ptyconf import Precedence, Schema, View


class Colour(enum.Enum):
    """An enum of texts."""

    RED = "red"
    BLUE = "blue"


class Mode(enum.Flag):
    """A flag."""

    READ = 1
    WRITE = 2


@dataclass
class Cat:
    """One member of a union, by its tag."""

    kind: Literal["cat"] = "cat"
    lives: int = 9


@dataclass
class Dog:
    """The other member."""

    kind: Literal["dog"] = "dog"
    name: str = "rex"


texts = st.text("abc .\"'\\\n#é", max_size=4)
KINDS: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-9, 9),
    float: st.sampled_from([0.0, -1.5, 1e300]),
    str: texts,
    bool: st.booleans(),
    bytes: st.binary(max_size=3),
    complex: st.sampled_from([1j, 2 - 1j]),
    datetime.date: st.dates(),
    datetime.time: st.times(),
    datetime.datetime: st.datetimes(),
    datetime.timedelta: st.timedeltas(),
    decimal.Decimal: st.decimals(allow_nan=False, allow_infinity=False, places=2),
    Fraction: st.fractions(max_denominator=9),
    uuid.UUID: st.uuids(),
    ipaddress.IPv4Address: st.ip_addresses(v=4),
    PurePosixPath: st.sampled_from([PurePosixPath("a/b"), PurePosixPath("/c")]),
    Colour: st.sampled_from(Colour),
    Mode: st.sampled_from([Mode(0), Mode.READ, Mode.READ | Mode.WRITE]),
    list[int]: st.lists(st.integers(-9, 9), max_size=3),
    set[str]: st.sets(texts, max_size=3),
    frozenset[int]: st.frozensets(st.integers(-9, 9), max_size=3),
    tuple[int, str]: st.tuples(st.integers(-9, 9), texts),
    tuple[int, ...]: st.lists(st.integers(-9, 9), max_size=3).map(tuple),
    collections.deque[int]: st.lists(st.integers(-9, 9), max_size=3).map(collections.deque),
    list[datetime.date]: st.lists(st.dates(), max_size=2),
    int | str: st.integers(-9, 9) | texts,
    datetime.date | str: st.dates() | texts,
    Literal["a", 1, True]: st.sampled_from(["a", 1, True]),
    int | None: st.none() | st.integers(-9, 9),
}
LEAVES = list(KINDS)
names = st.sampled_from(["port", "host", "b_c", "x1"])
keys = st.sampled_from(["eu", "us", "e.u", "Ü", "a b"])
_NUMBER = count()


@st.composite
def classes(draw: Any, depth: int = 2) -> type:
    """Make a dataclass of leaves and of classes inside; every field has a default."""
    chosen = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    parts = [(name, *draw(members(depth))) for name in chosen]
    made = make_dataclass(f"Made{next(_NUMBER)}", parts)
    made.__module__ = __name__
    return made


@st.composite
def members(draw: Any, depth: int) -> tuple[Any, Any]:
    """Choose the type of one field, and its default."""
    shapes = ["leaf"] * 3 + (
        ["class", "default", "optional", "table", "scalars", "list", "union"] * (depth > 0)
    )
    shape = draw(st.sampled_from(shapes))
    if shape == "leaf":
        kind = draw(st.sampled_from(LEAVES))
        value = draw(KINDS[kind])
        return kind, field(default_factory=lambda: value)
    if shape == "scalars":
        kind = draw(st.sampled_from([int, str, datetime.date]))
        return dict[str, kind], field(default_factory=dict)  # type: ignore[valid-type]
    if shape == "union":
        return Cat | Dog, field(default_factory=draw(st.sampled_from([Cat, Dog])))
    inner = draw(classes(depth - 1))
    if shape == "class":
        return inner, field(default_factory=inner)
    if shape == "default":
        instance = draw(instances(inner))
        return inner, field(default_factory=lambda: instance)
    if shape == "optional":
        return inner | None, None
    container = list if shape == "list" else dict
    kind = list[inner] if shape == "list" else dict[str, inner]  # type: ignore[valid-type]
    return kind, field(default_factory=container)


@st.composite
def instances(draw: Any, kind: Any) -> Any:
    """Make an instance with some fields away from their defaults."""
    arguments = {}
    for each in fields(kind):
        if each.type in KINDS and draw(st.booleans()):
            arguments[each.name] = draw(KINDS[each.type])  # type: ignore[index]
    return kind(**arguments)


@st.composite
def tables(draw: Any, kind: Any) -> dict[str, Any]:
    """Write some settings of a class, as a user's dict."""
    table = {}
    for each in fields(kind):
        if draw(st.booleans()):
            table[each.name] = draw(written(each.type))
    return table


def written(kind: Any) -> st.SearchStrategy[Any]:
    """Write a value of a type."""
    if kind in KINDS:
        return KINDS[kind]
    if kind == Cat | Dog:
        cats = st.fixed_dictionaries({"kind": st.just("cat")}, optional={"lives": st.integers(0, 9)})
        dogs = st.fixed_dictionaries({"kind": st.just("dog")}, optional={"name": texts})
        return cats | dogs
    arguments = getattr(kind, "__args__", ())
    if is_dataclass(kind):
        return tables(kind)
    if type(None) in arguments:
        return st.none() | tables(arguments[0])
    if getattr(kind, "__origin__", None) is list:
        return st.lists(tables(arguments[0]), max_size=2)
    value = written(arguments[1])
    return st.dictionaries(keys, st.none() | value, max_size=3)


# The oracle: fold tables low to high, a None clears what is below it, then make the classes.


def fold(kind: Any, low: Any, high: Any) -> Any:
    """Lay what a higher layer writes on what is below it."""
    if low is None or high is None or kind in KINDS or kind == Cat | Dog:
        return high
    arguments = getattr(kind, "__args__", ())
    if is_dataclass(kind):
        inner = {each.name: each.type for each in fields(kind)}
    elif type(None) in arguments:
        return fold(arguments[0], low, high)
    elif getattr(kind, "__origin__", None) is list:
        return high
    else:
        inner = dict.fromkeys([*low, *high], arguments[1])
    merged = dict(low)
    for key, value in high.items():
        merged[key] = fold(inner[key], merged[key], value) if key in merged else value
    return merged


def taken_apart(value: Any) -> Any:
    """See an instance as the table that would write it."""
    if is_dataclass(value):
        return {each.name: taken_apart(getattr(value, each.name)) for each in fields(value)}
    return value


def made(kind: Any, table: Any) -> Any:
    """Make what a folded table stands for."""
    if kind in KINDS or table is None:
        return table
    if kind == Cat | Dog:
        return (Cat if table["kind"] == "cat" else Dog)(**table)
    arguments = getattr(kind, "__args__", ())
    if is_dataclass(kind):
        return kind(**{name: made_field(kind, name, value) for name, value in table.items()})  # type: ignore[operator]
    if type(None) in arguments:
        return made(arguments[0], table)
    if getattr(kind, "__origin__", None) is list:
        return [made(arguments[0], each) for each in table]
    return {key: made(arguments[1], each) for key, each in table.items() if each is not None}


def made_field(kind: Any, name: str, table: Any) -> Any:
    """Make a field of a class; of a class inside, what is not written comes from the default instance."""
    each = next(each for each in fields(kind) if each.name == name)
    if is_dataclass(each.type) and each.default_factory is not MISSING:
        default = taken_apart(each.default_factory())
        return made(each.type, fold(each.type, default, table))
    return made(each.type, table)


def expected(kind: type, layers: list[dict[str, Any]]) -> Any:
    """Give what layers, low to high, make of a class."""
    folded: Any = taken_apart(kind())
    for table in layers:
        folded = fold(kind, folded, table)
    return made(kind, folded)


LAYERS = ("high", "middle", "low")
PRECEDENCE = Precedence(*LAYERS)


@st.composite
def programs(draw: Any) -> tuple[type, Schema, list[dict[str, Any]]]:
    """Make a class, its schema, and what three layers write, low to high."""
    kind = draw(classes())
    layers = [draw(tables(kind)) for _ in LAYERS]
    return kind, Schema("made", [View(kind, "top")]), layers
