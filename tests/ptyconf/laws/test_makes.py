"""Laws that hold for classes of every make, wherever they stand."""

from __future__ import annotations

import json
import pickle
from typing import Any

from hypothesis import assume, given

from ptyconf import ConfigError, Precedence, Resolution, Schema, View, diff, provenance_of, resolve
from ptyconf.freeze import Frozen, freeze
from ptyconf.merge.provenance import ASSIGNED
from ptyconf.merge.same import same
from ptyconf.report import dump_toml, story, table, to_json
from ptyconf.report.json import from_json
from ptyconf.sources import mapping, toml
from tests.ptyconf.laws.makes import programs

PRECEDENCE = Precedence("high", "low")
Program = tuple[type, dict[str, Any]]


def resolved(kind: type, written: dict[str, Any]) -> Resolution:
    """Resolve what is written; two members of a union may both have the keys."""
    try:
        return resolve(Schema("made", [View(kind, "")]), PRECEDENCE, [mapping.layer("high", written)])
    except ConfigError as error:
        assume("may be" not in str(error) and "of length at most" not in str(error))
        raise


def alike(one: Any, two: Any) -> bool:
    """Compare instances field by field, with an equality or not; keys in any order: unset ones come last."""
    names = getattr(one, "__dataclass_fields__", None) or [
        attribute.name for attribute in getattr(one, "__attrs_attrs__", ())
    ]
    if names:
        return type(one) is type(two) and all(
            alike(getattr(one, name), getattr(two, name)) for name in names if hasattr(one, name)
        )
    if type(one) is not type(two):
        return False
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(alike(item, two[key]) for key, item in one.items())
    if isinstance(one, (list, tuple)) or type(one).__name__ == "deque":
        return len(one) == len(two) and all(map(alike, one, two))
    return same(one, two)


@given(programs())
def test_nothing_written_is_what_the_class_makes(program: Program) -> None:
    """By itself, and nobody is said to have assigned it."""
    kind, _ = program
    built = resolved(kind, {}).build(kind)
    assert alike(built, kind())


@given(programs())
def test_building_assigns_nothing(program: Program) -> None:
    """Whatever constructors, converters and `__post_init__` make; what they make has a story."""
    kind, written = program
    instance = resolved(kind, written).build(kind)
    resolution = provenance_of(instance)
    assert resolution is not None
    for path in resolution:
        trace = resolution.trace(path)
        assert trace.winner.layer != ASSIGNED, path
        assert story(resolution, path)
    assert table(resolution)


@given(programs())
def test_what_is_written_comes_back(program: Program) -> None:
    """Dumped and loaded, frozen and replayed, as JSON, pickled.

    Secrets apart, and what a constructor makes anew of the values that it has made.
    """
    kind, written = program
    assume("Initial" not in str(kind.__annotations__))
    resolution = resolved(kind, written)
    assume("secret" not in repr(written))
    built = resolution.build(kind)
    again = resolve(resolution.schema, PRECEDENCE, toml.parse(dump_toml(resolution), name="high"))
    assert alike(again.build(kind), built)
    replayed = Frozen.loads(freeze(resolution).dumps()).replay(resolution.schema)
    assert alike(replayed.build(kind), built)
    values = from_json(resolution.schema, json.loads(json.dumps(to_json(resolution))))
    assert all(same(values[path], value) for path, value in ends(resolution))
    assert not diff(resolution, pickle.loads(pickle.dumps(resolution)))


@given(programs())
def test_an_instance_says_what_its_table_says(program: Program) -> None:
    """Taken apart and given again as objects, all is the same."""
    kind, written = program
    built = resolved(kind, written).build(kind)
    given_again = resolve(
        Schema("made", [View(kind, "")]), PRECEDENCE, [mapping.layer("high", dict(vars(built)))]
    )
    assert alike(given_again.build(kind), built)


def ends(resolution: Resolution) -> list[tuple[str, Any]]:
    """List the ends that are no secrets, with their values."""
    return [
        (path, resolution.value(path))
        for path in resolution
        if not path.endswith("secret") and resolution.schema.slot(path).node is None
    ]
