"""Classes of every make, and everything that may hold them: for laws that need no oracle."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field, make_dataclass
from itertools import count
from typing import Annotated, Any, Generic, NamedTuple, NewType, TypedDict, TypeVar

import attrs
from hypothesis import strategies as st

T = TypeVar("T")


@dataclass(kw_only=True)
class ByName:
    """A constructor that takes names alone."""

    a: int = 1
    b: str = "x"


@dataclass(frozen=True)
class Frozen:
    """An instance that nobody changes."""

    a: int = 1
    pair: tuple[int, str] = (1, "p")


@dataclass(slots=True, weakref_slot=True)
class Slotted:
    """Without a dict of its own."""

    a: int = 1
    names: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Odd:
    """Without equality, and with code that changes what it is given."""

    a: int = 1
    listed: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.a = abs(self.a)


@dataclass
class Initial:
    """With a value that only the constructor sees."""

    a: int = 1
    total: int = 5
    extra: InitVar[int] = 2

    def __post_init__(self, extra: int) -> None:
        if isinstance(extra, int):
            self.total = min(self.total + extra, 99)


@attrs.define
class Aliased:
    """Attributes that are written under other names."""

    _private: int = 1
    own: str = attrs.field(default="o", alias="am")


@attrs.define
class Converted:
    """With a converter, and a default that is made of another value."""

    a: int = 1
    text: str = attrs.field(default="x", converter=lambda text: text.upper())
    double: int = attrs.field(default=attrs.Factory(lambda self: self.a * 2, takes_self=True))


@attrs.define(kw_only=True)
class Checked:
    """With a validator."""

    a: int = attrs.field(default=1, validator=attrs.validators.ge(-9))
    secret: str = attrs.field(default="", metadata={"secret": True})


@dataclass
class Page(Generic[T]):
    """A generic class."""

    items: list[T] = field(default_factory=list)
    first: T | None = None


class Record(NamedTuple):
    """A named tuple."""

    x: int = 1
    y: str = "q"


class Loose(TypedDict, total=False):
    """A typed dict without any key that must be there."""

    a: int
    z: str


@dataclass
class Tree:
    """A class that holds itself."""

    a: int = 0
    left: Tree | None = None
    children: list[Tree] = field(default_factory=list)


@dataclass
class Collected:
    """Collections by their abstract names, and a deque of a greatest length."""

    names: Sequence[str] = ("a",)
    some: Iterable[int] = field(default_factory=lambda: {1})
    table: Mapping[str, int] = field(default_factory=lambda: collections.OrderedDict(k=1))
    last: collections.deque[int] = field(default_factory=lambda: collections.deque([1], 3))
    plain: collections.deque[str] = field(default_factory=collections.deque)


Named = NewType("Named", ByName)
numbers = st.integers(-9, 9)
texts = st.text("ab .\"'\\\n#é", max_size=3)
words = st.sampled_from(["eu", "us", "e.u", "Ü", "a b"])


def some(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Write some keys of a table."""
    return st.fixed_dictionaries({}, optional=parts)


def trees() -> st.SearchStrategy[dict[str, Any]]:
    """Write a class that holds itself."""
    leaf = some(a=numbers)
    return some(a=numbers, left=st.none() | leaf, children=st.lists(leaf, max_size=2))


listed = st.lists(numbers, max_size=3)
MAKES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (ByName, some(a=numbers, b=texts)),
    (Named, some(a=numbers, b=texts)),
    (Annotated[ByName, "words"], some(a=numbers, b=texts)),
    (Frozen, some(a=numbers, pair=st.tuples(numbers, texts).map(list))),
    (Slotted, some(a=numbers, names=st.lists(texts, max_size=2))),
    (Odd, some(a=numbers, listed=listed)),
    (Initial, some(a=numbers, total=numbers)),
    (Aliased, some(private=numbers, am=texts)),
    (Converted, some(a=numbers, text=texts, double=numbers)),
    (Checked, some(a=numbers, secret=texts)),
    (Page[int], some(items=listed, first=st.none() | numbers)),
    (Page[ByName], some(items=st.lists(some(a=numbers), max_size=2), first=st.none() | some(b=texts))),
    (Record, some(x=numbers, y=texts)),
    (Loose, some(a=numbers, z=texts)),
    (Tree, trees()),
    (Collected, some(names=st.lists(texts, max_size=2), some=listed, last=listed, plain=st.lists(texts))),
    (Record | Loose, st.fixed_dictionaries({"x": numbers}) | st.fixed_dictionaries({"z": texts})),
    (ByName | Record, st.fixed_dictionaries({"b": texts}) | st.fixed_dictionaries({"y": texts})),
]


def tables(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Write a table of keys."""
    return st.dictionaries(words, inner, max_size=2)


def holders(make: Any, inner: st.SearchStrategy[Any]) -> list[tuple[Any, Any, st.SearchStrategy[Any]]]:
    """List what may hold a class: the type, its default, and what may be written."""
    optional = st.none() | inner
    several = st.lists(inner, max_size=2)
    return [
        (make | None, None, optional),
        (list[make], [], several),
        (tuple[make, ...], (), several),
        (Sequence[make], (), several),
        (collections.deque[make], collections.deque(maxlen=2), several),
        (dict[str, make], {}, tables(inner)),
        (Mapping[str, make], collections.OrderedDict(), tables(inner)),
        (dict[str, make | None], {}, tables(optional)),
        (list[dict[str, make | None]], [], st.lists(tables(optional), max_size=2)),
        (dict[str, list[make]], {}, tables(several)),
        (dict[int, make], {}, st.dictionaries(st.integers(0, 9), inner, max_size=2)),
    ]


_NUMBER = count()


@st.composite
def programs(draw: Any) -> tuple[type, dict[str, Any]]:
    """Make a class that holds some of them, and write some of its settings."""
    parts: list[tuple[str, Any, Any]] = []
    table: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(["m", "n", "o"]), min_size=1, unique=True)):
        make, inner = draw(st.sampled_from(MAKES))
        kind, default, values = draw(st.sampled_from(holders(make, inner)))
        base = getattr(make, "__supertype__", None) or getattr(make, "__origin__", None) or make
        if draw(st.booleans()) and isinstance(base, type) and base is not Page:
            kind, default, values = make, base, inner
            made = draw(st.booleans())  # an instance, or the class itself as a factory
            parts.append((name, kind, field(default_factory=base if made else lambda base=base: base())))
        else:
            parts.append((name, kind, field(default_factory=lambda default=default: default)))
        if draw(st.booleans()):
            table[name] = draw(values)
    made_class = make_dataclass(f"Held{next(_NUMBER)}", parts)
    made_class.__module__ = __name__
    return made_class, table
