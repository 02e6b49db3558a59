"""Layers from the defaults of classes."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from ptyconf import Precedence, SchemaError, View, resolve
from ptyconf.sources import defaults


def test_default_schemas_are_separate_layers(program: SimpleNamespace) -> None:
    """Each names its class and field."""
    trace = program.resolve().trace("training.nepochs")
    assert [(each.layer, str(each.origin)) for each in (trace.winner, *trace.losers)] == [
        ("other-defaults", "DataConfig.epochs"),
        ("defaults", "TrainingConfig.nepochs"),
    ]


def test_classes_that_differ_need_layers_of_their_own(program: SimpleNamespace) -> None:
    """One layer has one value of a setting; two of one name are ordered by ``within``."""
    with pytest.raises(SchemaError) as caught:
        defaults.layer("defaults", program.MODEL, program.DATA)
    assert str(caught.value) == (
        "ModelConfig.gridsize and DataConfig.grid_size differ in their default of 'model.gridsize'"
    )
    layers = [defaults.layer("d", program.MODEL, within=1), defaults.layer("d", program.DATA, within=0)]
    trace = resolve(program.schema, Precedence("d"), layers).trace("model.gridsize")
    assert [str(each.origin) for each in (trace.winner, *trace.losers)] == [
        "DataConfig.grid_size",
        "ModelConfig.gridsize",
    ]


def test_schema_defaults_fill_what_no_layer_has(program: SimpleNamespace) -> None:
    """Without default layers the classes' defaults hold, as the lowest layer."""
    resolution = resolve(program.schema, Precedence("overrides"), [])
    assert resolution.value("training.nepochs") == 50
    assert resolution.trace("training.nepochs").winner.layer == "schema"
    explicit = resolve(program.schema, Precedence("d"), [defaults.schema_layer("d", program.schema)])
    assert explicit.trace("training.nepochs").winner.layer == "d"
    assert dict(explicit) == dict(resolution)


def test_mutable_defaults_are_not_shared(program: SimpleNamespace) -> None:
    """The default list of one built instance is not that of the next."""

    @dataclass
    class Run:
        tags: list[str]

    view = View(Run, "training")
    first = program.resolve().build(view)
    first.tags.append("x")
    assert program.resolve().build(view).tags == []
