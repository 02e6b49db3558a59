"""LayerValues by the plan of a shape says what reading key by key says."""

from __future__ import annotations

import gc
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ptyconf import Origin, Schema, resolve
from ptyconf.merge.cache import cache_of
from ptyconf.merge.columns import SEEN, ColumnLayout, columns_of, keys_of, table_of
from ptyconf.merge.layer import Layer
from ptyconf.merge.layer_values import read_anew
from ptyconf.sources import mapping
from tests.ptyconf.conftest import DATA, EXECUTION, MODEL, TRAINING, make_schema

scalars = st.sampled_from([0, 1, 2, True, None, 1.5, float("inf"), float("nan"), 1e308, "sigmoid", "x", 7])
names = st.sampled_from(
    [
        "gridsize",
        "n_filters_scale",
        "activation",
        "nepochs",
        "nphotons",
        "batch",
        "batch_size",
        "learning_rate",
    ]
)
sections = st.sampled_from(["model", "training", "data", "execution", "other"])
tables = st.dictionaries(
    sections | names | st.sampled_from(["training.nepochs", "model.gridsize", "data.grid_size"]),
    st.dictionaries(names, scalars, max_size=4) | scalars,
    max_size=4,
)


def told(schema: Schema, table: dict[str, Any], **fields: Any) -> list[Any]:
    """Give all that a reading says."""

    def origins(keys: Any) -> Origin:
        return Origin("mapping", "overrides", repr(keys))

    layer = Layer("overrides", table, origins, dotted=True, **fields)
    found = read_anew(layer, schema)
    columns = dict(zip(*found.columns, strict=True))
    values = {path: repr(value) for path, value in found.values.items()}
    assert values == {path: repr(value) for path, value in columns.items()}
    keys = {path: found.keys(path) for path in found.values}
    conversions = {path: found.conversion(path) for path in found.values}
    return [values, keys, conversions, [str(each) for each in found.faults], list(found.notices)]


@given(st.lists(tables, min_size=1, max_size=3), st.sampled_from([None, ("training",), ()]))
def test_plans_say_what_plain_reading_says(found: list[dict[str, Any]], order: Any) -> None:
    """For any tables, read three times in turn, whatever plans the others left behind."""
    planned = make_schema()
    for _ in range(3):
        for table in found:
            plain = told(make_schema(), table, sections=order)
            assert told(planned, table, sections=order) == plain


@given(tables)
def test_columns_give_the_table_back(table: dict[str, Any]) -> None:
    """Names, sections and values, in order; and the keys of each value."""
    columns = columns_of(table)
    assert columns is not None
    back = table_of(columns)
    assert repr(back) == repr(table)
    for keys, value in zip(keys_of(columns), columns[3], strict=True):
        node: Any = table
        for key in keys:
            node = node[key]
        assert node is value


def test_deep_or_mutable_tables_have_no_columns() -> None:
    """They are copied and read key by key."""
    for table in ({"a": {"b": {"c": 1}}}, {"a": [1]}, {"a": {"b": [1]}}, {"a": {1}}):
        assert columns_of(table) is None


def test_second_sight_makes_a_plan() -> None:
    """The first leaves a mark, the second the plan, and a shape that is translated has none."""
    schema = Schema("plain", [MODEL, EXECUTION, TRAINING, DATA])
    for table, expected in (
        ({"model": {"gridsize": 2}}, ColumnLayout),
        ({"data": {"epochs": 3}}, ColumnLayout),
    ):
        before = set(cache_of(schema).plans)
        for mark in (object, expected):
            told(schema, table)
            (shape,) = set(cache_of(schema).plans) - before
            assert (
                cache_of(schema).plans[shape] is SEEN
                if mark is object
                else isinstance(cache_of(schema).plans[shape], mark)
            )
    told(schema, {"data_file": "x"})
    told(schema, {"data_file": "x"})
    assert list(cache_of(schema).plans.values()).count(None) == 1


def test_planned_numbers_must_be_finite() -> None:
    """A plan made of finite numbers refuses others as plain reading does; a sum may overflow."""
    schema = make_schema()
    for value in (1.0, 2.0, 3.0):
        assert told(schema, {"training": {"nphotons": value}})[3] == []
    for value in (float("nan"), float("inf"), -float("inf")):
        assert len(told(schema, {"training": {"nphotons": value}})[3]) == 1
    assert told(schema, {"training": {"nphotons": 1.7e308}})[0] == {"training.nphotons": "1.7e+308"}


def test_layers_are_the_same_however_made(program: SimpleNamespace) -> None:
    """A dict layer of columns shows its values, and later changes of the dict do not reach it."""
    source = {"training": {"nepochs": 3}, "gridsize": 2}
    layer = mapping.layer("overrides", source)
    source["training"]["nepochs"] = 4
    assert layer.values == {"training": {"nepochs": 3}, "gridsize": 2}
    assert program.resolve(layer).value("training.nepochs") == 3


def test_resolutions_leave_no_reference_circles(program: SimpleNamespace) -> None:
    """What is dropped is gone at once; the garbage collector finds nothing."""

    def work() -> None:
        layers = [mapping.layer("overrides", {"gridsize": 2}), program.own, program.other]
        resolve(program.schema, program.precedence, layers).build(TRAINING)

    work()
    gc.collect()
    gc.disable()
    try:
        work()
        assert gc.collect() == 0
    finally:
        gc.enable()
