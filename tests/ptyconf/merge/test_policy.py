"""Policies: a layer is passed over for one setting, with the reason."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ptyconf import ConfigError, Layer, Policy, Precedence, Rule, Schema, SchemaError, resolve
from ptyconf.sources import mapping, toml


def test_policy_passes_a_layer_over_with_reason(program: SimpleNamespace) -> None:
    """The next layer wins, the passed one is a loser still, and the reason is in the trace."""
    trace = program.resolve().trace("training.nphotons")
    assert (trace.value, trace.winner.layer) == (1e9, "defaults")
    assert [(each.layer, each.value) for each in trace.losers] == [("other-defaults", 1e5)]
    assert [(each.layer, each.reason) for each in trace.policies] == [
        ("other-defaults", "the canonical default is 1e9")
    ]
    assert program.resolve(overrides={"nphotons": 2e8}).value("training.nphotons") == 2e8


def test_policy_must_speak_of_a_setting(program: SimpleNamespace) -> None:
    """A policy for an unknown setting is a mistake of the program; a star covers a section."""
    with pytest.raises(SchemaError, match=r"^a policy speaks of 'model.nothing', which is no setting$"):
        Schema("demo", [program.MODEL], policies=[Policy("model.nothing", "file", "why")])
    schema = Schema("demo", [program.MODEL], policies=[Policy("model.*", "file", "why")])
    found = resolve(schema, Precedence("file"), toml.parse("model.gridsize = 2\n"))
    assert found.value("model.gridsize") == 1


def test_policy_may_single_out_one_source(program: SimpleNamespace) -> None:
    """Where several sources stand in one layer, the label says which is passed over."""
    schema = Schema(
        "demo", [program.MODEL], policies=[Policy("model.gridsize", "low", "why", label="second")]
    )
    layers = [
        mapping.layer("low", {"gridsize": 3}, label="second"),
        Layer("low", {"model": {"gridsize": 2}}, mapping.layer("x", {}).origins, label="first", within=1),
    ]
    assert resolve(schema, Precedence("low"), layers).value("model.gridsize") == 2


def test_a_rule_may_be_asked_of_written_settings_alone(program: SimpleNamespace) -> None:
    """Defaults alone do not bring it up; a layer that writes any of its paths does, others do not."""
    rule = Rule(("model.gridsize", "training.nepochs"), lambda _: "never right", when="written")
    schema = program.make_schema(rules=[rule])

    def resolved(text: str) -> object:
        return program.resolve(*toml.parse(text), schema=schema)

    assert resolved("") is not None
    assert resolved("training.batch_size = 4\n") is not None
    for text in ("model.gridsize = 1\n", "training.nepochs = 5\n"):
        with pytest.raises(ConfigError, match="never right"):
            resolved(text)
