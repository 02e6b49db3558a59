"""What a resolution says: values, traces, instances; and that it never changes."""

from __future__ import annotations

import copy
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptyconf import (
    ConfigError,
    Derivation,
    Layer,
    Origin,
    Precedence,
    Schema,
    SchemaError,
    Setting,
    View,
    provenance_of,
    resolve,
)
from ptyconf.sources import defaults, environment, instance, mapping, toml


def layers_of(trace: Any) -> list[str]:
    """Name the layers of a trace, winner first."""
    return [trace.winner.layer, *(each.layer for each in trace.losers)]


def test_layers_rank_by_declaration(program: SimpleNamespace) -> None:
    """The order in which layers are given does not matter; the precedence does."""
    layers = [
        *toml.parse("training.nepochs = 5\n", file="run.toml"),
        environment.layer("DEMO", {"DEMO__TRAINING__NEPOCHS": "6"}),
        mapping.layer("overrides", {"training.nepochs": 7}),
    ]
    for order in (layers, layers[::-1]):
        trace = program.resolve(*order).trace("training.nepochs")
        assert layers_of(trace) == ["overrides", "environment", "file", "other-defaults", "defaults"]
        assert [trace.value, *(each.value for each in trace.losers)] == [7, 6, 5, 50, 50]


def test_precedence_refuses_what_it_does_not_know(program: SimpleNamespace) -> None:
    """A layer without a declared rank, and a name declared twice, are mistakes of the program."""
    with pytest.raises(SchemaError, match=r"^the layer 'odd' is not in the precedence: overrides, flags, "):
        program.resolve(mapping.layer("odd", {}))
    with pytest.raises(SchemaError, match=r"^the layer 'a' stands twice in the precedence$"):
        Precedence("a", ("b", "a"))


def test_layers_of_one_rank_must_agree(program: SimpleNamespace) -> None:
    """Two layers may share a rank; where they differ, both places are named."""
    precedence = Precedence(("site", "user"), "defaults", "other-defaults")
    site = toml.parse("training.nepochs = 5\nmodel.gridsize = 2\n", file="/etc/site.toml", name="site")
    user = toml.parse("model.gridsize = 2\ntraining.nepochs = 6\n", file="/etc/user.toml", name="user")
    with pytest.raises(ConfigError) as caught:
        resolve(program.schema, precedence, [*site, *user, program.own, program.other])
    assert str(caught.value) == (
        "'training.nepochs' is 5 in /etc/site.toml:1:1 and 6 in /etc/user.toml:2:1; "
        "the layers 'site' and 'user' share a rank and must agree\n"
        "  written in  /etc/site.toml:1:1\n"
        "  try         remove training.nepochs from one of them"
    )
    agreed = toml.parse("training.nepochs = 5\n", file="/etc/user.toml", name="user")
    assert resolve(program.schema, precedence, [*site, *agreed, program.own]).value("training.nepochs") == 5


def test_sources_of_one_layer_must_agree(program: SimpleNamespace) -> None:
    """The layer is named once, and each source by its place."""

    def source(label: str, value: int) -> Layer:
        return mapping.layer("overrides", {"nepochs": value}, origin=lambda _: Origin("x", "", label))

    with pytest.raises(ConfigError) as caught:
        program.resolve(source("one", 3), source("two", 4))
    assert str(caught.value) == (
        "'training.nepochs' is 3 in one and 4 in two; both are of the layer 'overrides' and must agree\n"
        "  written in  one\n"
        "  try         remove training.nepochs from one of them"
    )


def test_trace_tells_every_loser_with_its_place(program: SimpleNamespace) -> None:
    """Winner, losers, values, origins; mapping access and value() give the same plain value."""
    resolution = program.resolve(
        *toml.parse("[model]\ngridsize = 3\n", file="/x/run.toml"), overrides={"gridsize": 2}
    )
    trace = resolution.trace("model.gridsize")
    assert (trace.path, trace.value, trace.winner.layer, trace.winner.value) == (
        "model.gridsize",
        2,
        "overrides",
        2,
    )
    assert trace.winner.origin.key == "overrides['gridsize']"
    assert [(each.layer, each.value, str(each.origin)) for each in trace.losers] == [
        ("file", 3, "/x/run.toml:2:1 model.gridsize"),
        ("other-defaults", 2, "DataConfig.grid_size"),
        ("defaults", 1, "ModelConfig.gridsize"),
    ]
    assert resolution["model.gridsize"] == resolution.value("model.gridsize") == 2
    assert dict(resolution)["model.gridsize"] == 2
    assert "model.gridsize" in resolution
    assert "model.nothing" not in resolution
    with pytest.raises(KeyError):
        resolution.trace("model.nothing")


def test_higher_layer_may_set_the_default_again(program: SimpleNamespace) -> None:
    """A value equal to the default still wins and is reported as the winner."""
    resolution = program.resolve(*toml.parse("training.nepochs = 9\n"), overrides={"nepochs": 50})
    assert resolution.trace("training.nepochs").winner.layer == "overrides"
    assert resolution.value("training.nepochs") == 50


def test_none_is_a_value_and_absent_is_not(program: SimpleNamespace) -> None:
    """None from a higher layer beats a file's value; an absent key leaves it."""
    file = toml.parse('training.data_file = "/d/scan.npz"\n')
    assert program.resolve(*file).value("training.data_file") == Path("/d/scan.npz")
    resolution = program.resolve(*file, overrides={"data_file": None})
    assert resolution.value("training.data_file") is None
    assert layers_of(resolution.trace("training.data_file"))[:2] == ["overrides", "file"]


def test_derived_settings_follow_their_inputs(program: SimpleNamespace) -> None:
    """The value, the function and the inputs are in the trace; default layers just lose."""
    resolution = program.resolve(overrides={"gridsize": 3})
    trace = resolution.trace("data.C")
    assert (trace.value, trace.winner.layer, trace.winner.origin.kind) == (9, "derived", "derived")
    assert (trace.derivation.function, dict(trace.derivation.inputs)) == ("square", {"model.gridsize": 3})
    assert [(each.layer, each.value) for each in trace.losers] == [("other-defaults", 4)]
    assert resolution.winner_layer("data.C") == "derived"


def test_setting_a_derived_setting_otherwise_is_refused(program: SimpleNamespace) -> None:
    """A layer may repeat the derived value, not contradict it."""
    assert program.resolve(overrides={"gridsize": 3, "C": 9}).value("data.C") == 9
    with pytest.raises(ConfigError) as caught:
        program.resolve(*toml.parse("model.gridsize = 3\ndata.C = 4\n", file="/x/run.toml"))
    assert str(caught.value) == (
        "'data.C' is 4, but it follows from model.gridsize = 3 and is 9\n"
        "  written in  /x/run.toml:2:1\n"
        "  try         remove data.C"
    )


def test_derivation_may_only_fill_a_gap(program: SimpleNamespace) -> None:
    """With when='missing' a written value stands."""
    schema = program.make_schema(
        settings=[Setting("training.per_step", int | None, None)],
        derivations=[
            Derivation("training.per_step", ("training.batch_size",), lambda b: b * 2, when="missing")
        ],
    )
    assert program.resolve(schema=schema).value("training.per_step") == 32
    assert program.resolve(schema=schema, overrides={"per_step": 5}).value("training.per_step") == 5


def test_circles_of_derivations_are_refused() -> None:
    """The schema is not even built."""
    settings = [Setting("a.x", int, 0), Setting("a.y", int, 0)]
    circle = [Derivation("a.x", ("a.y",), int), Derivation("a.y", ("a.x",), int)]
    with pytest.raises(SchemaError, match=r"^derivations go round in a circle: a.x <- a.y <- a.x$"):
        Schema("demo", (), settings, derivations=circle)


def test_derivations_run_in_order_of_need() -> None:
    """A derived setting may be an input, wherever it is declared."""
    settings = [Setting(f"a.{name}", int, 1) for name in "xyz"]
    chain = [Derivation("a.z", ("a.y",), lambda y: y + 1), Derivation("a.y", ("a.x",), lambda x: x + 1)]
    schema = Schema("demo", (), settings, derivations=chain)
    assert resolve(schema, Precedence("o"), [mapping.layer("o", {"x": 5})]).value("a.z") == 7


def test_combined_values_keep_each_contributor(program: SimpleNamespace) -> None:
    """Lists append and tables merge key by key where the setting says so; each element knows its layer."""
    file = toml.parse('[training]\ntags = ["a"]\nweights = {mae = 1.0, nll = 2.0}\n', file="/x/run.toml")
    resolution = program.resolve(*file, overrides={"training": {"tags": ["b"], "weights": {"nll": 3.0}}})
    assert resolution.value("training.tags") == ["a", "b"]
    assert [(each.key, each.layer) for each in resolution.trace("training.tags").elements] == [
        (0, "file"),
        (1, "overrides"),
    ]
    assert resolution.value("training.weights") == {"mae": 1.0, "nll": 3.0}
    assert [(each.key, each.layer) for each in resolution.trace("training.weights").elements] == [
        ("mae", "file"),
        ("nll", "overrides"),
    ]


def test_built_instances_are_plain(program: SimpleNamespace) -> None:
    """Equality, pickle, json and ``is True`` behave as if written by hand."""
    built = program.resolve(overrides={"gridsize": 2}).build(program.TrainingConfig)
    by_hand = program.TrainingConfig(model=program.ModelConfig(gridsize=2))
    assert built == by_hand
    assert type(built.model.gridsize) is int
    assert vars(built) == vars(by_hand)
    assert json.dumps(asdict(built)) == json.dumps(asdict(by_hand))
    execution = program.resolve().build(program.ExecutionConfig)
    assert vars(execution) == vars(program.ExecutionConfig())


def test_views_convert_both_ways(program: SimpleNamespace) -> None:
    """(g, g) becomes g in the setting and (g, g) again in the class; the trace names the conversion."""
    resolution = program.resolve(overrides={"grid_size": (3, 3)})
    assert resolution.value("model.gridsize") == 3
    assert resolution.build(program.DataConfig).grid_size == (3, 3)
    winner = resolution.trace("model.gridsize").winner
    assert (winner.origin.key, winner.conversion) == ("overrides['grid_size']", "(g, g) <-> g")


def test_containers_are_never_shared(program: SimpleNamespace) -> None:
    """What is handed out may change without the resolution, its layers or another instance noticing."""
    tags = ["a"]
    given = {"tags": tags, "weights": {"mae": 1.0}}
    layer = mapping.layer("overrides", {"training": given})
    tags.append("later")
    given.clear()
    resolution = program.resolve(layer)
    first, second = (resolution.build(program.TrainingConfig) for _ in range(2))
    first.tags.append("b")
    first.weights.clear()
    resolution.value("training.tags").append("c")
    resolution.trace("training.weights").value["x"] = 1.0
    assert second.tags == resolution.value("training.tags") == ["a"]
    assert second.weights == resolution.value("training.weights") == {"mae": 1.0}


def test_provenance_is_found_by_identity(program: SimpleNamespace) -> None:
    """Instances and inner instances know their resolution; copies, pickles and strangers have none."""
    import copy
    import gc

    from ptyconf.merge.built import BUILT

    resolution = program.resolve()
    built = resolution.build(program.TrainingConfig)
    assert provenance_of(built) is resolution
    assert provenance_of(built.model) is resolution
    assert provenance_of(copy.copy(built)) is None
    assert provenance_of(pickle.loads(pickle.dumps(resolution.value("model.gridsize")))) is None
    assert provenance_of(program.ModelConfig()) is None
    gc.collect()  # What earlier tests left in circles would go between the two counts.
    before = len(BUILT)
    del built
    gc.collect()
    assert len(BUILT) == before - 2


def test_field_assigned_later_is_told(program: SimpleNamespace) -> None:
    """The new value stands above the old winner and its place."""
    built = program.resolve(*toml.parse("training.nepochs = 5\n", file="/x/run.toml")).build(
        program.TrainingConfig
    )
    built.nepochs = 7
    found = provenance_of(built)
    assert found is not None
    trace = found.trace("training.nepochs")
    assert (trace.value, trace.winner.layer, str(trace.winner.origin)) == (
        7,
        "assigned after resolve",
        "TrainingConfig.nepochs",
    )
    assert str(trace.losers[0].origin) == "/x/run.toml:1:1 training.nepochs"
    assert found.trace("training.batch_size").winner.layer == "defaults"


def test_classes_must_be_referable() -> None:
    """A slotted class without __weakref__ is refused when the view is made."""

    @dataclass(slots=True)
    class Slotted:
        x: int = 1

    with pytest.raises(
        SchemaError, match=r"Slotted has __slots__ without __weakref__; add weakref_slot=True$"
    ):
        View(Slotted, "s")


def test_resolution_never_changes(program: SimpleNamespace) -> None:
    """Attributes cannot be set or deleted, items cannot be assigned."""
    resolution = program.resolve()
    with pytest.raises(AttributeError, match="a resolution does not change"):
        resolution.schema = None
    with pytest.raises(AttributeError, match="a resolution does not change"):
        del resolution._state
    with pytest.raises(TypeError):
        resolution["model.gridsize"] = 2  # type: ignore[index]


def test_with_layer_extends_the_history(program: SimpleNamespace) -> None:
    """A new resolution has one more loser or winner; the old one stays."""
    first = program.resolve(*toml.parse("training.nepochs = 5\n"))
    second = first.with_layer(mapping.layer("overrides", {"nepochs": 6}))
    assert (first.value("training.nepochs"), second.value("training.nepochs")) == (5, 6)
    assert layers_of(second.trace("training.nepochs"))[:2] == ["overrides", "file"]
    third = first.with_layer(environment.layer("DEMO", {"DEMO__TRAINING__NEPOCHS": "8"}))
    assert layers_of(third.trace("training.nepochs"))[:2] == ["environment", "file"]


def test_missing_value_is_told_when_built(program: SimpleNamespace) -> None:
    """A class's required field that nothing sets is told by path."""

    @dataclass
    class Needs:
        folder: Path

    view = View(Needs, "run")
    resolution = resolve(Schema("demo", [view]), Precedence("o"), [])
    with pytest.raises(ConfigError) as caught:
        resolution.build(Needs)
    assert str(caught.value) == (
        "'run.folder' has no value, and test_missing_value_is_told_when_built.<locals>.Needs needs one\n"
        "  expected  a path\n"
        "  try       run.folder = ..."
    )


def test_tracked_instances_know_what_was_written(program: SimpleNamespace) -> None:
    """A built object counts as set what no default layer gave."""
    from ptyconf import set_fields

    built = program.resolve(overrides={"workers": 3}).build(program.ExecutionConfig)
    assert set_fields(built) == {"workers"}
    again = program.resolve(instance.layer("execution", built, program.EXECUTION))
    assert layers_of(again.trace("execution.workers")) == ["execution", "defaults"]
    assert layers_of(again.trace("execution.learning_rate")) == ["defaults"]


@given(st.permutations(["overrides", "environment", "file", "included"]), st.data())
def test_replay_of_traces_gives_the_values(program_order: list[str], data: st.DataObject) -> None:
    """For any layers in any order, the winner has the value and the entries keep the declared order."""

    @dataclass
    class Plain:
        x: int = 0
        y: int = 0

    view = View(Plain, "p")
    schema = Schema("demo", [view])
    precedence = Precedence("overrides", "environment", "file", "included", "defaults")
    tables = {
        name: data.draw(st.dictionaries(st.sampled_from(["x", "y"]), st.integers())) for name in program_order
    }
    layers = [mapping.layer(name, {"p": table}) for name, table in tables.items()]
    resolution = resolve(schema, precedence, [*layers, defaults.layer("defaults", view)])
    for path in resolution:
        trace = resolution.trace(path)
        chain = [trace.winner, *trace.losers]
        assert chain[0].value == trace.value == resolution.value(path)
        ranks = [precedence.ranks[each.layer] for each in chain]
        assert ranks == sorted(ranks)
        for entry in chain[:-1]:
            assert tables[entry.layer][path[2:]] == entry.value
        assert len(chain) == 1 + sum(path[2:] in table for table in tables.values())


def test_threads_share_a_schema(program: SimpleNamespace) -> None:
    """16 threads with different layers agree with the answers of one."""

    def work(number: int) -> tuple[int, int, str]:
        resolution = program.resolve(
            *toml.parse(f"training.nepochs = {number + 1}\n", file=f"/x/{number}.toml"),
            overrides={"gridsize": number % 3 + 1},
        )
        config = resolution.build(program.TrainingConfig)
        origin = str(resolution.trace("training.nepochs").winner.origin)
        return config.nepochs, resolution.value("data.C"), origin

    numbers = list(range(64)) * 157  # ten thousand and some
    alone = {number: work(number) for number in range(64)}
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(work, numbers)) == [alone[number] for number in numbers]


def test_a_copy_of_a_resolution_is_itself(program: SimpleNamespace) -> None:
    """What never changes needs no copy; a dataclass that holds one can be copied and taken apart."""

    @dataclass
    class Run:
        name: str
        resolution: Any

    resolution = program.resolve()
    assert copy.copy(resolution) is copy.deepcopy(resolution) is resolution
    assert asdict(Run("a", resolution)) == {"name": "a", "resolution": resolution}
