"""An instance in a table, a list or a union stands as it is, whatever is written beside it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field, make_dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ptyconf import Precedence, Resolution, Schema, View, load, provenance_of, resolve, schema_of
from ptyconf.sources import mapping
from tests.ptyconf.merge.test_default_instances import MAKERS, Counted, Loud, Once, Outer, Seeded, blank

PRECEDENCE = Precedence("high", "middle", "low")


@dataclass
class Plain:
    """A class without code of its own, with such a class inside."""

    size: int = 1
    loud: Loud = field(default_factory=lambda: Loud("plain"))


KINDS: list[tuple[Any, Callable[[], Any]]] = [*MAKERS, (Plain, lambda: Plain(3, Loud("in")))]
WRITTEN: dict[Any, dict[str, Any]] = {
    Loud: {"name": "w"},
    Seeded: {"n": 4},
    Once: {"n": 2},
    Counted: {"x": 5},
    Outer: {"loud": {"name": "w"}},
    Plain: {"size": 9},
}


@dataclass
class Many:
    """Every kind of container, of such classes."""

    loud: dict[str, Loud] = field(default_factory=lambda: {"d": Loud("default")})
    seeded: dict[str, Seeded | Plain] = field(default_factory=lambda: {"d": Seeded(5)})
    once: dict[str, list[Once]] = field(default_factory=dict)
    counted: list[Counted] = field(default_factory=lambda: [Counted(3)])
    outer: Outer | None = None
    plain: dict[str, Plain] = field(default_factory=dict)
    alone: Outer = field(default_factory=lambda: Outer(Loud("alone"), Seeded(8)))


MANY = Schema("many", [View(Many, "m")], importable=f"{__name__}:MANY")


@st.composite
def tables(draw: Any) -> tuple[Any, dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
    """Choose a class, a default, what three layers write under keys of a table, and which instances stand."""
    kind, make = draw(st.sampled_from(KINDS))
    default = {"d": make()} if draw(st.booleans()) else {}
    layers: list[dict[str, Any]] = [{}, {}, {}]
    standing = dict(default)
    for key in draw(st.lists(st.sampled_from("abc"), unique=True, min_size=1)):
        layers[draw(st.integers(0, 2))][key] = standing[key] = make()
    for key in draw(st.lists(st.sampled_from("xyz"), unique=True)):
        layers[draw(st.integers(0, 2))][key] = WRITTEN[kind]
    return kind, default, layers, standing


@settings(max_examples=80)
@given(tables(), st.booleans())
def test_keys_beside_leave_instances_alone(case: Any, optional: bool) -> None:
    """Of one layer or of several, of the default or given; what is written is made once."""
    kind, default, layers, standing = case
    held = kind | None if optional else kind
    app = make_dataclass("App", [("by", dict[str, held], field(default_factory=lambda: dict(default)))])
    names = PRECEDENCE.names
    written = [mapping.layer(str(name), {"by": table}) for name, table in zip(names, layers, strict=True)]
    made = resolve(schema_of(app), PRECEDENCE, written).build(app)
    for key, item in made.by.items():
        assert item == (standing[key] if key in standing else _made(kind))
    assert made.by.keys() == standing.keys() | layers[0].keys() | layers[1].keys() | layers[2].keys()
    assert all(item is not standing.get(key) for key, item in made.by.items())


def _made(kind: Any) -> Any:
    """Make what the table of a class stands for."""
    app = make_dataclass("One", [("one", kind | None, None)])
    return load(app, overrides={"one": WRITTEN[kind]}).one


@settings(max_examples=60)
@given(st.sampled_from(KINDS), st.lists(st.booleans(), min_size=1, max_size=4), st.sampled_from("ru"))
def test_elements_beside_leave_instances_alone(case: Any, mixed: list[bool], way: str) -> None:
    """Tables in the same list, and lists of other layers that are joined to it."""
    kind, make = case
    given_list = [make() if stands else WRITTEN[kind] for stands in mixed]
    metadata = {} if way == "r" else {"merge": "append"}
    app = make_dataclass("App", [("all", list[kind], field(default_factory=list, metadata=metadata))])
    low = mapping.layer("low", {"all": [make()]})
    made = resolve(schema_of(app), PRECEDENCE, [mapping.layer("high", {"all": given_list}), low]).build(app)
    expected = [make() if stands else _made(kind) for stands in mixed]
    assert made.all == (expected if way == "r" else [make(), *expected])


@settings(max_examples=60)
@given(st.sampled_from(KINDS), st.booleans())
def test_an_instance_stands_over_what_it_covers(case: Any, optional: bool) -> None:
    """Where a lower layer, or nothing but None, writes the same key."""
    kind, make = case
    app = make_dataclass("App", [("by", dict[str, kind], blank(dict)), ("one", kind | None, None)])
    low = {"by": {"k": None if optional else WRITTEN[kind]}, "one": WRITTEN[kind]}
    layers = [mapping.layer("high", {"by.k": make(), "one": make()}), mapping.layer("low", low)]
    made = resolve(schema_of(app), PRECEDENCE, layers).build(app)
    assert made.by == {"k": make()}
    assert made.one == make()


GIVEN: dict[str, st.SearchStrategy[Any]] = {
    "loud": st.fixed_dictionaries({}, optional={"a": st.builds(Loud), "b": st.just({"name": "w"})}),
    "seeded": st.fixed_dictionaries(
        {},
        optional={
            "a": st.builds(Seeded, st.integers(0, 9)),
            "b": st.just({"size": 2}),
            "c": st.builds(Plain),
        },
    ),
    "once": st.fixed_dictionaries(
        {}, optional={"a": st.lists(st.builds(Once, st.integers(0, 9)), max_size=2)}
    ),
    "counted": st.lists(st.builds(Counted, st.integers(0, 9)) | st.just({"x": 4}), max_size=3),
    "outer": st.builds(Outer),
    "plain": st.fixed_dictionaries({}, optional={"a": st.builds(Plain), "b": st.just({"size": 2})}),
    "alone": st.builds(Outer, st.builds(Loud), st.builds(Seeded, st.integers(0, 9))),
}


def resolved(high: dict[str, Any], low: dict[str, Any]) -> Resolution:
    """Resolve two layers of instances and tables."""
    layers = [mapping.layer("high", {"m": high}), mapping.layer("low", {"m": low})]
    return resolve(MANY, PRECEDENCE, layers)


@settings(max_examples=60)
@given(st.fixed_dictionaries({}, optional=GIVEN), st.fixed_dictionaries({}, optional=GIVEN))
def test_a_pickled_resolution_builds_the_same(high: dict[str, Any], low: dict[str, Any]) -> None:
    """Whatever instances layers and defaults hold, and once more pickled too."""
    resolution = resolved(high, low)
    travelled = pickle.loads(pickle.dumps(resolution))
    assert travelled.build(Many) == resolution.build(Many)
    again = pickle.loads(pickle.dumps(travelled)).with_layer(
        mapping.layer("middle", {"m.loud.new": Loud("n")})
    )
    assert again.build(Many).loud == {**resolution.build(Many).loud, "new": Loud("n")}


@settings(max_examples=40)
@given(st.fixed_dictionaries({}, optional=GIVEN))
def test_an_instance_has_no_assigned_story(high: dict[str, Any]) -> None:
    """Right after the build; what is assigned to one in a table is told, and makes it anew."""
    made = resolved(high, {}).build(Many)
    stories = provenance_of(made)
    assert stories is not None
    assert not any(trace.winner.layer == "assigned after resolve" for trace in stories.traces())
    made.loud["d"].name = "new"
    changed = provenance_of(made)
    assert changed is not None
    assert changed.trace("m.loud.d.name").winner.layer == "assigned after resolve"


def test_derived_and_referred_parts_make_it_anew() -> None:
    """Of the table where they stand alone."""
    app = make_dataclass("App", [("by", dict[str, Loud], blank(dict)), ("name", str, "n")])
    schema = schema_of(app, references=True)
    table = {"by": {"a": Loud("x"), "b": {"name": "${name}"}}}
    made = resolve(schema, PRECEDENCE, [mapping.layer("high", table)]).build(app)
    assert made.by == {"a": Loud("x"), "b": Loud("n")}
