"""The layer of an object: sparse, or explicitly not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ptyconf import ConfigError, View
from ptyconf.sources import instance, toml


def test_only_set_fields_contribute(program: SimpleNamespace) -> None:
    """Untouched defaults of an object never beat the layers below it."""
    execution = program.ExecutionConfig(learning_rate=1e-3)
    file = toml.parse("execution.workers = 4\nexecution.learning_rate = 1.0\n", file="/x/run.toml")
    resolution = program.resolve(instance.layer("execution", execution, program.EXECUTION), *file)
    assert resolution.value("execution.workers") == 4
    trace = resolution.trace("execution.learning_rate")
    assert (trace.value, trace.winner.layer, str(trace.winner.origin)) == (
        1e-3,
        "execution",
        "ExecutionConfig.learning_rate",
    )


def test_what_post_init_rewrote_does_not_contribute(program: SimpleNamespace) -> None:
    """The class's own 'auto' -> 'cpu' is not the caller's word."""
    resolution = program.resolve(instance.layer("execution", program.ExecutionConfig(), program.EXECUTION))
    assert resolution.value("execution.accelerator") == "auto"


def test_unmarked_class_must_say_what_to_take(program: SimpleNamespace) -> None:
    """All fields, or those that differ from the default; never silently dense."""
    model = program.ModelConfig(gridsize=2)
    with pytest.raises(TypeError) as caught:
        instance.layer("overrides", model, program.MODEL)
    assert str(caught.value) == (
        "ModelConfig does not know which of its fields were set; mark the class with @tracks_set_fields, "
        "or say fields='all' or fields='changed'"
    )
    changed = program.resolve(instance.layer("overrides", model, program.MODEL, fields="changed"))
    assert changed.trace("model.gridsize").winner.layer == "overrides"
    assert changed.trace("model.n_filters_scale").winner.layer == "defaults"
    everything = program.resolve(instance.layer("overrides", model, program.MODEL, fields="all"))
    assert everything.trace("model.n_filters_scale").winner.layer == "overrides"


def test_a_field_that_the_view_omits_may_be_named(program: SimpleNamespace) -> None:
    """What is no setting is passed over; what the class does not have is refused elsewhere."""
    view = View(program.ModelConfig, "model", omit=("gridsize",))
    layer = instance.layer("overrides", program.ModelConfig(gridsize=2), view, fields={"gridsize"})
    assert not layer.values


def test_views_conversions_apply_and_may_fail(program: SimpleNamespace) -> None:
    """An attribute is translated by its view; what the conversion refuses is a problem with its place."""
    data = program.DataConfig(grid_size=(3, 3))
    resolution = program.resolve(instance.layer("overrides", data, program.DATA, fields="changed"))
    assert resolution.value("model.gridsize") == 3
    assert str(resolution.trace("model.gridsize").winner.origin) == "DataConfig.grid_size"
    bad = program.DataConfig(grid_size=(3, 2))
    with pytest.raises(ConfigError) as caught:
        program.resolve(instance.layer("overrides", bad, program.DATA, fields="changed"))
    assert str(caught.value) == (
        "Non-square grids are not supported, got (3, 2)\n"
        "  written in  DataConfig.grid_size\n"
        "  overrides   DataConfig.grid_size (2)"
    )
