"""Generated schemas and layers: classes inside classes, optional ones, tables, lists, unions, all kinds."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import ipaddress
import uuid
from dataclasses import dataclass, field, fields, is_dataclass, make_dataclass
from fractions import Fraction
from itertools import count
from pathlib import PurePosixPath
from typing import Any, Literal, NamedTuple, TypedDict

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


class Pair(NamedTuple):
    """A record of two."""

    x: int = 1
    y: str = "q"


class Loose(TypedDict, total=False):
    """A record of which every key may be left out."""

    a: int
    b: str


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
    dict[int, str]: st.dictionaries(st.integers(0, 9), texts, max_size=2),
    list[dict[str, datetime.date]]: st.lists(st.dictionaries(texts, st.dates(), max_size=2), max_size=2),
    tuple[float, ...]: st.lists(st.sampled_from([0.5, float("nan"), float("inf")]), max_size=2).map(tuple),
}
NONFINITE = {"nonfinite": True}
FREE = st.dictionaries(texts, st.integers(-9, 9) | texts | st.lists(st.booleans(), max_size=2), max_size=2)
GATHERED: dict[Any, st.SearchStrategy[Any]] = {
    kind: KINDS[kind] for kind in (list[int], set[str], frozenset[int], tuple[int, ...], list[datetime.date])
}
LEAVES = [kind for kind in KINDS if kind != dict[int, str]]  # that is a table, merged key by key
names = st.sampled_from(["port", "host", "b_c", "x1"])
keys = st.sampled_from(["eu", "us", "e.u", "Ü", "a b"])
_NUMBER = count()


@st.composite
def classes(draw: Any, depth: int = 2, *, always: bool = True) -> type:
    """Make a dataclass of leaves and of classes inside; every field has a default.

    Args:
        draw: Hypothesis' own.
        depth: How many classes may stand inside each other.
        always: Whether its instances are always there, so that its lists may gather from all layers.
    """
    chosen = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    parts = [(name, *draw(members(depth, always=always))) for name in chosen]
    made = make_dataclass(f"Made{next(_NUMBER)}", parts)
    made.__module__ = __name__
    return made


@st.composite
def members(draw: Any, depth: int, *, always: bool) -> tuple[Any, Any]:
    """Choose the type of one field, and its default."""
    shapes = ["leaf"] * 3 + ["scalars", "free", "record"] + ["gathered"] * always
    inside = ["class", "default", "optional", "table", "list", "union"]
    shape = draw(st.sampled_from(shapes + inside * (depth > 0)))
    if shape in ("class", "default"):
        inner = draw(classes(depth - 1, always=always))
        instance = draw(instances(inner))
        return inner, field(default_factory=inner if shape == "class" else lambda: instance)
    if shape in ("optional", "table", "list"):
        return draw(holders(shape, draw(classes(depth - 1, always=False))))
    if shape == "gathered":
        kind = draw(st.sampled_from(list(GATHERED)))
        value = draw(GATHERED[kind])
        way = draw(st.sampled_from(["append", "union"]))
        return kind, field(default_factory=lambda: value, metadata={"merge": way})
    if shape == "scalars":
        kind = dict[str, draw(st.sampled_from([int, str, datetime.date]))]  # type: ignore[misc]
        table = draw(st.dictionaries(keys, KINDS[kind.__args__[1]], max_size=2))  # type: ignore[attr-defined]
        way = draw(st.sampled_from(["deep", "replace"]))
        return kind, field(default_factory=lambda: table, metadata={"merge": way})
    kind, values = draw(
        st.sampled_from(OTHERS if shape != "leaf" else [(leaf, KINDS[leaf]) for leaf in LEAVES])
    )
    value = draw(values)
    return kind, field(default_factory=lambda: value, metadata=NONFINITE)


OTHERS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (Cat | Dog, st.sampled_from([Cat(), Dog(name="r")])),
    (dict, FREE),
    (Pair, st.sampled_from([Pair(), Pair(3, "z")])),
    (Loose, st.sampled_from([Loose(), Loose(a=1)])),
]


@st.composite
def holders(draw: Any, shape: str, inner: Any) -> tuple[Any, Any]:
    """Make the field of an optional class, of a table or of a list of them, with its default."""
    some = draw(st.lists(instances(inner), max_size=2))
    if shape == "optional":
        instance = some[0] if some else None
        return inner | None, field(default_factory=lambda: instance)
    if shape == "list":
        return list[inner], field(default_factory=lambda: list(some))  # type: ignore[valid-type]
    table = {f"k{number}": instance for number, instance in enumerate(some)}
    return dict[str, inner], field(default_factory=lambda: dict(table))  # type: ignore[valid-type]


@st.composite
def instances(draw: Any, kind: Any) -> Any:
    """Make an instance with some fields away from their defaults."""
    arguments = {}
    for each in fields(kind):
        if draw(st.booleans()):
            arguments[each.name] = draw(values(each.type))
    return kind(**arguments)


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Make a value of a field, as a program would hold it."""
    arguments = getattr(kind, "__args__", ())
    if kind in KINDS:
        return KINDS[kind]
    if kind is dict:
        return FREE
    for other, held in OTHERS:
        if kind == other:
            return held
    if is_dataclass(kind):
        return instances(kind)
    if type(None) in arguments:
        return st.none() | values(arguments[0])
    if getattr(kind, "__origin__", None) is list:
        return st.lists(values(arguments[0]), max_size=2)
    return st.dictionaries(keys, values(arguments[1]), max_size=2)


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
    if kind is dict:
        return FREE
    if kind == Cat | Dog:
        cats = st.fixed_dictionaries({"kind": st.just("cat")}, optional={"lives": st.integers(0, 9)})
        dogs = st.fixed_dictionaries({"kind": st.just("dog")}, optional={"name": texts})
        return cats | dogs
    if kind in (Pair, Loose):
        return st.fixed_dictionaries({}, optional={name: written(each) for name, each in hints(kind).items()})
    arguments = getattr(kind, "__args__", ())
    if is_dataclass(kind):
        return tables(kind) | instances(kind)
    if type(None) in arguments:
        return st.none() | written(arguments[0])
    if getattr(kind, "__origin__", None) is list:
        return st.lists(written(arguments[0]), max_size=2)
    return st.none() | st.dictionaries(keys, st.none() | written(arguments[1]), max_size=3)


def hints(kind: Any) -> dict[str, Any]:
    """Give the types of a record's members."""
    return {"x": int, "y": str} if kind is Pair else {"a": int, "b": str}


ABSENT: Any = object()  # of an object that is written where nothing is below, all counts, and no default

# The oracle: whole tables, low to high. What is written anew starts from the defaults of its class, a None
# clears what is below it, and a key of a table keeps its place.


def fold(kind: Any, low: Any, high: Any, way: str = "") -> Any:
    """Lay what a higher layer writes on what is below it."""
    arguments = getattr(kind, "__args__", ())
    if way in ("append", "union"):
        return gather(kind, low, high, way)
    if is_dataclass(high) and kind != Cat | Dog:
        return fold_object(kind, low, high)
    if low is ABSENT:
        low = fresh(kind)
    if high is None or (kind in KINDS and kind != dict[int, str]) or kind == Cat | Dog:
        return taken_apart(high) if is_dataclass(high) else high
    if kind in (Pair, Loose, dict):
        return free_fold(low, high._asdict() if isinstance(high, Pair) else high)
    if is_dataclass(kind):
        return fold_class(kind, low, high)
    if type(None) in arguments:
        return fold(arguments[0], ABSENT if low is None else low, high)
    if getattr(kind, "__origin__", None) is list:
        return [fold(arguments[0], ABSENT, each) for each in high]
    table = {} if way == "replace" or low is None else dict(low)
    for key, value in high.items():
        below = table.get(key)
        table[key] = fold(arguments[1], ABSENT if below is None else below, value)
    return table


def fold_object(kind: Any, low: Any, high: Any) -> Any:
    """Lay an object on what is below it: where that is nothing, it counts as it is."""
    if low is ABSENT or low is None:
        return taken_apart(high)
    return fold(kind, low, {each.name: getattr(high, each.name) for each in fields(high)})


def fold_class(kind: Any, low: Any, high: Any) -> Any:
    """Lay the table of a class on another."""
    merged = dict(low)
    for each in fields(kind):
        if each.name in high:
            way = each.metadata.get("merge", "")
            merged[each.name] = fold(each.type, merged[each.name], high[each.name], way)
    return merged


def gather(kind: Any, low: Any, high: Any, way: str) -> Any:
    """Join two lists, the lower one first; one that nothing is joined to stands as it is."""
    joined = [*low, *(each for each in high if way == "append" or each not in low)]
    if way == "union":
        joined = list(dict.fromkeys(joined))
    return (getattr(kind, "__origin__", None) or kind)(joined)


def free_fold(low: Any, high: Any) -> Any:
    """Merge tables of any values, at every depth."""
    if not isinstance(low, dict) or not isinstance(high, dict):
        return high
    return {**low, **{key: free_fold(low[key], each) if key in low else each for key, each in high.items()}}


def fresh(kind: Any) -> Any:
    """Give what a class has when nobody writes anything."""
    return taken_apart(kind()) if is_dataclass(kind) else None


def taken_apart(value: Any) -> Any:
    """See an instance as the table that would write it."""
    if is_dataclass(value):
        return {each.name: taken_apart(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Pair):
        return value._asdict()
    if isinstance(value, dict):
        return {key: taken_apart(each) for key, each in value.items()}
    return [taken_apart(each) for each in value] if isinstance(value, list) else value


def made(kind: Any, table: Any) -> Any:
    """Make what a folded table stands for."""
    if kind in KINDS or kind is dict:
        return table
    if table is None:
        return {} if getattr(kind, "__origin__", None) is dict else None  # a table that was taken away
    if kind is Loose:
        return {name: table[name] for name in ("a", "b") if name in table}
    if kind == Cat | Dog:
        return (Cat if table["kind"] == "cat" else Dog)(**table)
    if kind is Pair:
        return Pair(**table)
    arguments = getattr(kind, "__args__", ())
    if is_dataclass(kind):
        types = {each.name: each.type for each in fields(kind)}
        return kind(**{name: made(types[name], value) for name, value in table.items()})  # type: ignore[operator]
    if type(None) in arguments:
        return made(arguments[0], table)
    if getattr(kind, "__origin__", None) is list:
        return [made(arguments[0], each) for each in table]
    return {key: made(arguments[1], each) for key, each in table.items() if each is not None}


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
