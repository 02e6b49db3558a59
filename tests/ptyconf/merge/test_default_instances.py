"""A default instance counts as it is: no constructor runs over what one has made already."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field, make_dataclass, replace
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from ptyconf import load, provenance_of, resolve, schema_of
from ptyconf.load import DEFAULT
from ptyconf.sources import mapping
from tests.ptyconf.laws.equal import same_object
from tests.ptyconf.laws.generated import classes


@dataclass
class Loud:
    """A class that changes what it is given."""

    name: str = "a"

    def __post_init__(self) -> None:
        self.name += "!"


@dataclass
class Seeded:
    """A class that keeps nothing of an argument."""

    seed: InitVar[int] = 1
    total: int = field(init=False, default=0)
    n: int = 1

    def __post_init__(self, seed: int) -> None:
        self.total = seed + self.n


@dataclass
class Once:
    """A class that takes back its own values never."""

    n: int = 1

    def __post_init__(self) -> None:
        if self.n > 9:
            raise ValueError("too much")
        self.n += 10


@attrs.define
class Counted:
    """A class with a converter."""

    x: int = attrs.field(default=1, converter=lambda given: given + 1)


@dataclass
class Outer:
    """Such classes inside a class."""

    loud: Loud = field(default_factory=lambda: Loud("in"))
    seeded: Seeded = field(default_factory=lambda: Seeded(3))
    plain: Counted = field(default_factory=Counted)


MAKERS: list[tuple[Any, Callable[[], Any]]] = [
    (Loud, Loud),
    (Loud, lambda: Loud("z")),
    (Seeded, lambda: Seeded(7)),
    (Once, lambda: Once(5)),
    (Counted, lambda: Counted(10)),
    (Outer, Outer),
    (Outer, lambda: Outer(Loud("deep"), Seeded(9, n=2))),
]


@st.composite
def defaults(draw: Any) -> tuple[Any, Any]:
    """Choose a type that holds such a class, and the field with its default."""
    kind, make = draw(st.sampled_from(MAKERS))
    holder = draw(st.sampled_from(["alone", "optional", "list", "table", "pairs"]))
    if holder == "list":
        return list[kind], field(default_factory=lambda: [make(), make()])
    if holder == "table":
        return dict[str, kind], field(default_factory=lambda: {"k": make()})
    if holder == "pairs":
        return dict[str, list[kind]], field(default_factory=lambda: {"k": [make()]})
    return (kind if holder == "alone" else kind | None), field(default_factory=make)


@settings(max_examples=60)
@given(st.lists(defaults(), min_size=1, max_size=3))
def test_load_makes_what_the_class_makes(members: list[tuple[Any, Any]]) -> None:
    """Whatever code its default instances have; each call hands out its own."""
    app = make_dataclass("App", [(f"f{number}", *member) for number, member in enumerate(members)])
    first, second = load(app), load(app)
    assert first == second == app()
    assert all(getattr(first, name) is not getattr(second, name) for name in vars(first))


@settings(max_examples=60)
@given(classes())
def test_any_class_loads_as_itself(kind: Any) -> None:
    """Of leaves and of classes inside, in every holder."""
    assert same_object(load(kind), kind())


def blank(kind: Any) -> Any:
    """Make the field of a type that holds as little as it may."""
    make = typing.get_origin(kind) or kind
    return field(default=None) if make is types.UnionType else field(default_factory=make)


@settings(max_examples=60)
@given(st.lists(defaults(), min_size=1, max_size=3))
def test_given_instances_count_as_they_are(members: list[tuple[Any, Any]]) -> None:
    """What overrides give stands as it was given, and the caller keeps his own."""
    given_values = {f"f{number}": member[1].default_factory() for number, member in enumerate(members)}
    app = make_dataclass(
        "App", [(f"f{number}", kind, blank(kind)) for number, (kind, _) in enumerate(members)]
    )
    made = load(app, overrides=given_values)
    assert made == app(**given_values)
    assert all(getattr(made, name) is not value for name, value in given_values.items())


def test_a_key_of_a_default_stands_beside_new_ones() -> None:
    """As it is, where a layer writes another key; one that is written is made anew."""
    default = {"k": Loud("x"), "m": Loud("y")}
    app = make_dataclass("App", [("by", dict[str, Loud], field(default_factory=lambda: dict(default)))])
    made = load(app, overrides={"by.new.name": "n", "by.m.name": "z"})
    assert made.by == {"k": Loud("x"), "m": Loud("z"), "new": Loud("n")}
    assert load(app, overrides={"by": {"k": None}}).by == {"m": Loud("y")}
    assert provenance_of(made.by["k"]) is provenance_of(made)


@dataclass
class Hidden:
    """A class that has no settings at all."""

    seed: InitVar[int] = 1
    total: int = field(init=False, default=0)

    def __post_init__(self, seed: int) -> None:
        self.total = seed


def test_an_instance_without_settings_counts() -> None:
    """The default's, and one that is given."""
    app = make_dataclass("App", [("n", int, 1), ("h", Hidden, field(default_factory=lambda: Hidden(7)))])
    assert load(app).h.total == 7
    assert load(app, overrides={"h": Hidden(9)}).h.total == 9


def test_tables_beside_instances_are_read() -> None:
    """Where a dict or list of overrides holds both."""
    members = [("by", dict[str, Loud], blank(dict)), ("all", list[Loud], blank(list))]
    table = {"name": "y"}
    given_values = {"by": {"a": Loud("x"), "b": table}, "all": [Loud("x"), table]}
    made = load(make_dataclass("App", members), overrides=given_values)
    assert made.by["b"] == made.all[1] == Loud("y")


def test_a_written_value_makes_the_instance_anew() -> None:
    """Of that alone; what stands beside and inside it stays as it is."""
    app = make_dataclass("App", [("o", Outer, field(default_factory=lambda: Outer(Loud("deep"), Seeded(9))))])
    made = load(app, overrides={"o.loud.name": "new"}).o
    assert made == Outer(Loud("new"), Seeded(9))
    assert provenance_of(made.seeded).value("o.seeded.n") == 1
    assert provenance_of(made).value("o") == made


def test_what_a_layer_replaces_merges_with_nothing() -> None:
    """So that instances of a table count as they are, though lower layers write of it, too."""
    schema = schema_of(make_dataclass("App", [("by", dict[str, Seeded], blank(dict))]))
    low = mapping.layer("file", {"by": {"b": {"n": 9}}})
    top = mapping.layer("overrides", {"by": {"a": Seeded(7)}})
    cut = resolve(schema, DEFAULT, [replace(top, replaces=frozenset({"by"})), low])
    assert cut["by"] == {"a": Seeded(7)}
    assert resolve(schema, DEFAULT, [top, low])["by"].keys() == {"a", "b"}
