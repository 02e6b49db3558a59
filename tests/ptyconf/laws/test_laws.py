"""Laws that hold for every schema: the merge, its stories, its copies, its order of calls."""

from __future__ import annotations

import copy
import datetime
import json
import pickle
from collections.abc import Iterator
from typing import Any, Literal

from hypothesis import given
from hypothesis import strategies as st

from ptyconf import Resolution, Schema, Trace, diff, resolve
from ptyconf.freeze import Frozen, freeze
from ptyconf.merge.same import same
from ptyconf.report import dump_toml, to_json
from ptyconf.report.json import from_json
from ptyconf.sources import mapping, toml
from tests.ptyconf.laws.equal import same_object
from tests.ptyconf.laws.generated import KINDS, LAYERS, PRECEDENCE, expected, programs

AMBIGUOUS = (int | str, datetime.date | str, Literal["a", 1, True])  # text of one member may be of another
Program = tuple[type, Schema, list[dict[str, Any]]]


def resolved(schema: Schema, layers: list[dict[str, Any]], order: list[int] | None = None) -> Resolution:
    """Resolve layers that are given low to high, in any order of the call."""
    made = [mapping.layer(name, {"top": table}) for name, table in zip(reversed(LAYERS), layers, strict=True)]
    return resolve(schema, PRECEDENCE, [made[index] for index in order or range(len(made))])


@given(programs(), st.permutations(range(3)))
def test_merge_is_the_fold_of_the_oracle(program: Program, order: list[int]) -> None:
    """Whatever the order of the call: folding tables low to high, with None as a barrier, makes the same."""
    kind, schema, layers = program
    assert same_object(resolved(schema, layers, list(order)).build(kind), expected(kind, layers))


@given(programs())
def test_stories_replay_to_the_values(program: Program) -> None:
    """Each leaf's winner says its value, and no loser stands above it."""
    _, schema, layers = program
    resolution = resolved(schema, layers)
    ranks = {name: rank for rank, name in enumerate((*LAYERS, "schema"))}
    for path in resolution:
        trace = resolution.trace(path)
        assert same(trace.value, plain(resolution, path)), path
        if schema.slot(path).setting.merge != "replace":
            assert replays_from_elements(trace), path
        elif trace.value not in ({}, []):  # of an empty container the layer may have said what it removes
            assert same(trace.winner.value, trace.value), path
        written = [ranks[entry.layer] for entry in trace.losers if entry.layer in LAYERS]
        assert written == sorted(written)
        assert path in resolution
        assert path in schema


@given(programs())
def test_nothing_handed_out_changes_it(program: Program) -> None:
    """Instances, values and stories are copies, at any depth."""
    kind, schema, layers = program
    resolution = resolved(schema, layers)
    before = copy.deepcopy({path: plain(resolution, path) for path in resolution})
    spoil(resolution.build(kind))
    for path in before:
        spoil(resolution.value(path))
        spoil(resolution.trace(path).value)
    spoil(resolution.value("top"))
    assert all(same(plain(resolution, path), value) for path, value in before.items())


@given(programs())
def test_a_resolution_does_not_differ_from_itself(program: Program) -> None:
    """Nor from one that was resolved again, nor from its pickle."""
    _, schema, layers = program
    one, two = resolved(schema, layers), resolved(schema, layers)
    travelled = pickle.loads(pickle.dumps(one))
    assert not diff(one, one)
    assert not diff(one, two)
    assert not diff(one, travelled)
    assert list(travelled) == list(one)
    assert to_json(travelled) == to_json(one)


@given(programs(), st.integers(0, 2))
def test_a_difference_is_what_the_stories_say(program: Program, emptied: int) -> None:
    """What is told alike has the same value and winner on both sides; what one side lacks is told once."""
    _, schema, layers = program
    one = resolved(schema, layers)
    two = resolved(schema, [{} if number == emptied else table for number, table in enumerate(layers)])
    told = {}
    ends = {*one} ^ {*two}
    for path in dict.fromkeys((*one, *two)):
        if any(path.startswith((f"{end}.", f"{end}[")) for end in ends):
            continue  # on the other side there is none of the place, or nothing in it
        if path not in one or path not in two:
            told[path] = "removed" if path in one else "added"
            continue
        was, now = one.trace(path), two.trace(path)
        if not same(one.value(path), two.value(path)):
            told[path] = "value"
        elif (was.winner.layer, was.winner.origin) != (now.winner.layer, now.winner.origin):
            told[path] = "source"
    assert {change.path: change.kind for change in diff(one, two)} == told


@given(programs())
def test_inputs_are_never_changed(program: Program) -> None:
    """What a caller wrote is his."""
    _, schema, layers = program
    before = copy.deepcopy(layers)
    resolved(schema, layers)
    assert layers == before


@given(programs())
def test_a_dump_loads_back(program: Program) -> None:
    """As TOML, over the same defaults."""
    kind, schema, layers = program
    resolution = resolved(schema, layers)
    again = resolve(schema, PRECEDENCE, toml.parse(dump_toml(resolution), name="high"))
    assert same_object(again.build(kind), resolution.build(kind))


@given(programs())
def test_a_frozen_file_replays(program: Program) -> None:
    """And has the same fingerprint again."""
    kind, schema, layers = program
    resolution = resolved(schema, layers)
    frozen = Frozen.loads(freeze(resolution).dumps())
    replayed = frozen.replay(schema)
    assert same_object(replayed.build(kind), resolution.build(kind))
    assert freeze(replayed).sha256 == frozen.sha256


@given(programs())
def test_a_json_report_reads_back(program: Program) -> None:
    """Every end of every setting."""
    _, schema, layers = program
    resolution = resolved(schema, layers)
    values = from_json(schema, json.loads(json.dumps(to_json(resolution))))
    assert all(same(values[path], plain(resolution, path)) for path in resolution)


@given(st.sampled_from(list(KINDS)).flatmap(lambda kind: st.tuples(st.just(kind), KINDS[kind])))
def test_every_kind_comes_back_equal(sample: tuple[Any, Any]) -> None:
    """From TOML, from text, and from JSON."""
    from ptyconf.schema.types import Kinds

    kind, value = sample
    made = Kinds().of(kind, nonfinite=True)
    assert same(made.typed(value), value)
    assert same(made.thawed(json.loads(json.dumps(made.frozen(value)))), value)
    if value is not None:
        assert same(made.typed(made.toml(value)), value)
        assert same(made.text(made.written(value)), value) or kind in AMBIGUOUS


def replays_from_elements(trace: Trace) -> bool:
    """Tell whether the elements of a gathered value are that value."""
    if not trace.value:
        return True
    if isinstance(trace.value, dict):
        return len(trace.elements) == sum(1 for _ in ends(trace.value))
    return not trace.elements or same(type(trace.value)(each.value for each in trace.elements), trace.value)


def ends(table: dict[str, Any]) -> Iterator[Any]:
    """Walk the ends of a table."""
    for each in table.values():
        yield from ends(each) if isinstance(each, dict) and each else [each]


def plain(resolution: Resolution, path: str) -> Any:
    """Give a leaf's value, an empty container as the table that it is."""
    value = resolution.value(path)
    return value if not hasattr(value, "__dataclass_fields__") else {}


def spoil(value: Any) -> None:
    """Change everything that can be changed in place."""
    if hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            spoil(getattr(value, name))
            setattr(value, name, "spoilt")
    elif isinstance(value, dict):
        for each in value.values():
            spoil(each)
        value["spoilt"] = "spoilt"
    elif isinstance(value, (list, tuple)):
        for each in value:
            spoil(each)
        if isinstance(value, list):
            value.append("spoilt")
    elif isinstance(value, set):
        value.add("spoilt")
    elif hasattr(value, "popleft"):
        value.append("spoilt")
