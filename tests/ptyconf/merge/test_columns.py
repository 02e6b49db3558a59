"""LayerValues by the plan of a shape says what reading key by key says."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from ptyconf import Origin, Schema, View, resolve
from ptyconf.merge.cache import cache_of
from ptyconf.merge.columns import SEEN, ColumnLayout, columns_of, table_of
from ptyconf.merge.layer import Layer
from ptyconf.merge.layer_values import read_anew
from ptyconf.merge.plans import value_at
from ptyconf.sources import environment, flags, mapping
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
    """Give all that a reading of a table says."""

    def origins(keys: Any) -> Origin:
        return Origin("mapping", "overrides", repr(keys))

    return told_of(Layer("overrides", table, origins, dotted=True, **fields), schema)


def told_of(layer: Layer, schema: Schema) -> list[Any]:
    """Give all that a reading of a layer says."""
    found = read_anew(layer, schema)
    columns = dict(zip(*found.columns, strict=True))
    values = {path: repr(value) for path, value in found.values.items()}
    assert values == {path: repr(value) for path, value in columns.items()}
    keys = {path: found.keys(path) for path in (*found.values, "replicas.eu.host", "spare.tls.port")}
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


deep = st.recursive(
    scalars, lambda inner: st.dictionaries(names, inner, max_size=3) | st.just([1]), max_leaves=9
)


@given(st.dictionaries(names, deep, max_size=4))
def test_columns_give_the_table_back(table: dict[str, Any]) -> None:
    """Names, sizes and values, level by level, at any depth; a spot gives the value that stands there."""
    columns = columns_of(table)
    assert columns is not None
    assert repr(table_of(columns)) == repr(table)
    spots = table_of((*columns[:3], list(range(len(columns[3])))))
    assert repr(value_at(spots, columns[3])) == repr(table)


def test_tables_of_other_values_have_no_columns() -> None:
    """They are copied and read key by key; a table that holds itself is none either."""
    circle: dict[str, Any] = {}
    circle["a"] = circle
    for table in ({"a": {1}}, {"a": {"b": object()}}, {"a": Path()}, circle):
        assert columns_of(table) is None


@dataclass
class Tls:
    """A section of ends."""

    cert: str = "cert.pem"
    port: int = 443
    mark: int | str = 0


@dataclass
class Server:
    """A section with one below it."""

    host: str = "localhost"
    weight: float = 1.0
    tls: Tls = field(default_factory=Tls)


@dataclass
class Deep:
    """A program with all that holds settings."""

    server: Server = field(default_factory=Server)
    spare: Server | None = None
    replicas: dict[str, Server] = field(default_factory=dict)
    hooks: list[Tls] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    free: dict[str, Any] = field(default_factory=dict)


ends = {
    "host": st.sampled_from(["a", "b", 1, None]),
    "weight": st.sampled_from([1.5, 2, float("nan"), "x"]),
    "cert": st.sampled_from(["a", "b", None]),
    "port": st.sampled_from([1, 2, True, 1.5]),
}
tls = st.fixed_dictionaries({}, optional={"cert": ends["cert"], "port": ends["port"]})
server = st.fixed_dictionaries(
    {}, optional={"host": ends["host"], "weight": ends["weight"], "tls": tls, "tls.port": ends["port"]}
)
deeper = st.fixed_dictionaries(
    {},
    optional={
        "server": server,
        "spare": server | st.none(),
        "replicas": st.dictionaries(st.sampled_from(["eu", "us"]), server | st.none(), max_size=2),
        "hooks": st.lists(tls, max_size=2),
        "tags": st.lists(st.sampled_from(["a", "b", 1]), max_size=2),
        "labels": st.dictionaries(
            st.sampled_from(["a", "b"]), st.sampled_from([1, 2, None, "x"]), max_size=2
        ),
        "free": st.dictionaries(st.sampled_from(["a", "b"]), deep, max_size=2),
        "replicas.eu.host": ends["host"],
        "unheard": st.just(1),
    },
)


@given(st.lists(deeper, min_size=1, max_size=3))
def test_plans_of_deep_tables_say_the_same(written: list[dict[str, Any]]) -> None:
    """For sections in sections, tables and lists of sections, read three times in turn."""
    planned = Schema("deep", [View(Deep, "")])
    for _ in range(3):
        for table in written:
            assert told(planned, table) == told(Schema("deep", [View(Deep, "")]), table)


texts = st.dictionaries(
    st.sampled_from(
        [
            "server.host",
            "server.weight",
            "server.tls.port",
            "server",
            "spare",
            "spare.tls.port",
            "replicas",
            "replicas.eu",
            "replicas.eu.host",
            "labels.a",
            "tags",
            "free",
            "hooks.0.port",
            "hooks.0.mark",
            "unheard",
        ]
    ),
    st.sampled_from(["1", "2.5", "x", "none", "", "{host = 'a'}", '{"tls.port": 1}', "['a']"]),
    max_size=4,
)


@example([{"hooks.0.mark": "1"}])
@given(st.lists(texts, min_size=1, max_size=3))
def test_plans_of_texts_say_the_same(written: list[dict[str, str]]) -> None:
    """For variables and flags, also those that hold a whole section, read three times in turn."""
    planned = Schema("deep", [View(Deep, "")])
    for _ in range(3):
        for table in written:
            variables = {f"APP__{path.replace('.', '__').upper()}": text for path, text in table.items()}
            words = [f"--{path.replace('.0.', '[0].')}={text}" for path, text in table.items()]
            parsed, _ = flags.parse(words, planned)
            for layer in (environment.layer("APP", variables), flags.given(table), parsed):
                again = replace(layer)
                assert told_of(layer, planned) == told_of(again, Schema("deep", [View(Deep, "")]))


def test_texts_have_plans() -> None:
    """Variables of plain settings and of places below others are found by the plan of their names."""
    schema = Schema("deep", [View(Deep, "")])
    variables = {"APP__SERVER__TLS__PORT": "1", "APP__REPLICAS__EU__HOST": "a", "APP__TAGS": "['a']"}
    for _ in range(2):
        told_of(environment.layer("APP", variables), schema)
    (plan,) = cache_of(schema).plans.values()
    assert plan.paths == ("server.tls.port", "tags", "replicas")
    assert dict(plan.read.args[0][2].roots) == {("replicas", "eu", "host"): ("REPLICAS__EU__HOST",)}


def test_deep_tables_have_plans() -> None:
    """Every kind of place is read by the plan of its shape, so that the law above speaks of plans."""
    schema = Schema("deep", [View(Deep, "")])
    table = {
        "tags": ["a"],
        "server": {"host": "a", "weight": 2, "tls": {"port": 1}},
        "replicas": {"eu": {"weight": 1.5, "tls": {"cert": "b"}}},
        "hooks": [{"port": 3}],
        "labels": {"a": 1},
    }
    for _ in range(2):
        told(schema, table)
    (plan,) = cache_of(schema).plans.values()
    assert plan.paths[:2] == ("server.host", "server.tls.port")
    assert [composed.slot.path for composed in plan.read.args[0]] == [
        "tags",
        "server.weight",
        "replicas",
        "hooks",
        "labels",
    ]


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
    told(schema, {"data": {"grid_size": [2, 2]}})
    told(schema, {"data": {"grid_size": [2, 2]}})
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
