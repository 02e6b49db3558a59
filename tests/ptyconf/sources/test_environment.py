"""The environment layer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from ptyconf import Complaint, ConfigError, Layer, Setting
from ptyconf.sources import environment, flags, toml


def told(program: SimpleNamespace, variables: dict[str, str]) -> str:
    """Give the full text of what is wrong with some variables."""
    with pytest.raises(ConfigError) as caught:
        program.resolve(environment.layer("DEMO", variables))
    return str(caught.value)


def test_variables_below_the_prefix_are_read(program: SimpleNamespace) -> None:
    """Two underscores between levels; text is parsed by type; origins toml_text the variable."""
    variables = {
        "DEMO__TRAINING__NEPOCHS": "7",
        "DEMO__MODEL__ACTIVATION": "swish",
        "DEMO__TRAINING__TAGS": '["a", "b"]',
        "DEMO__PROFILE": "fast",
        "HOME": "/root",
        "DEMONSTRATION": "1",
    }
    resolution = program.resolve(environment.layer("DEMO", variables))
    assert resolution.value("training.nepochs") == 7
    assert resolution.value("model.activation") == "swish"
    assert resolution.value("training.tags") == ["a", "b"]
    assert str(resolution.trace("training.nepochs").winner.origin) == "DEMO__TRAINING__NEPOCHS"


def test_the_process_environment_is_the_default(
    program: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without variables the process's own are read, when the layer is made."""
    monkeypatch.setenv("DEMO__TRAINING__NEPOCHS", "8")
    assert program.resolve(environment.layer("DEMO")).value("training.nepochs") == 8


def test_aliases_have_environment_names_too(program: SimpleNamespace) -> None:
    """An alias with a conversion is read as its own type."""
    resolution = program.resolve(environment.layer("DEMO", {"DEMO__DATA__GRID_SIZE": "[3, 3]"}))
    assert resolution.value("model.gridsize") == 3


def test_wrong_value_names_the_variable(program: SimpleNamespace) -> None:
    """With what it overrides, and how to write it right."""
    file = toml.parse("training.nepochs = 50\n", file="/x/run.toml")
    with pytest.raises(ConfigError) as caught:
        program.resolve(environment.layer("DEMO", {"DEMO__TRAINING__NEPOCHS": "ten"}), *file)
    assert str(caught.value) == (
        "'training.nepochs' is \"ten\"; expected a whole number\n"
        "  written in  environment DEMO__TRAINING__NEPOCHS\n"
        "  overrides   /x/run.toml:1:1 (50)\n"
        "  try         DEMO__TRAINING__NEPOCHS=50"
    )


def test_unknown_variable_gets_the_close_match(program: SimpleNamespace) -> None:
    """In the environment's own spelling."""
    assert told(program, {"DEMO__TRAINING__NEPOCH": "3"}) == (
        "unknown setting 'training.nepoch'\n"
        "  written in  environment DEMO__TRAINING__NEPOCH\n"
        "  known here  nepochs, batch_size, nphotons, data_file, tags, weights, token\n"
        "  try         DEMO__TRAINING__NEPOCHS=3"
    )


def test_one_underscore_is_another_programs(program: SimpleNamespace) -> None:
    """A container's service link stops no start; below two underscores a slip is told."""
    links = {"DEMO_PORT_80_TCP": "tcp://10.0.0.1", "DEMO_TRAINING_NEPOCHS": "3", "DEMO": "x"}
    assert program.resolve(environment.layer("DEMO", links)).value("training.nepochs") == 50
    assert "  try         DEMO__TRAINING__NEPOCHS=3" in told(
        program, {**links, "DEMO__TRAINING__NEPOCH": "3"}
    )


def test_an_empty_variable_may_stand_for_none(program: SimpleNamespace) -> None:
    """As an option of the layer; else it is an empty text."""
    variables = {"DEMO__TRAINING__NEPOCHS": "", "DEMO__TRAINING__TOKEN": ""}
    resolution = program.resolve(environment.layer("DEMO", variables, empty="unset"))
    assert resolution.trace("training.nepochs").winner.layer != "environment"
    assert "'training.nepochs' is \"\"" in told(program, variables)


def own(program: SimpleNamespace, variables: dict[str, str]) -> Layer:
    """Make a layer of variables in which the program's token and epochs have names of their own."""
    schema = program.make_schema(
        settings=[Setting("training.token", env="API_TOKEN"), Setting("training.nepochs", env="EPOCHS")]
    )
    program.own_schema = schema
    return environment.layer("DEMO", variables, schema=schema)


def test_a_setting_may_have_a_variable_of_its_own(program: SimpleNamespace) -> None:
    """Besides the one below the prefix; the origin names what was written."""
    layer = own(program, {"EPOCHS": "7", "API_TOKEN": "x", "OTHER": "1"})
    resolution = program.resolve(layer, schema=program.own_schema)
    assert resolution.value("training.nepochs") == 7
    assert str(resolution.trace("training.nepochs").winner.origin) == "EPOCHS"
    layer = own(program, {"EPOCHS": "7", "DEMO__TRAINING__NEPOCHS": "7"})
    assert program.resolve(layer, schema=program.own_schema).value("training.nepochs") == 7
    layer = own(program, {"EPOCHS": "7", "DEMO__TRAINING__NEPOCHS": "8"})
    with pytest.raises(ConfigError, match="'DEMO__TRAINING__NEPOCHS' and 'EPOCHS' mean the same setting"):
        program.resolve(layer, schema=program.own_schema)


def test_a_secret_may_stand_in_a_file(program: SimpleNamespace, jail: Callable[..., Path]) -> None:
    """``NAME_FILE`` of a secret alone, under either of its names; its line end is no part of it."""
    path = str(jail("token", "canary\n"))
    for name in ("DEMO__TRAINING__TOKEN_FILE", "API_TOKEN_FILE"):
        resolution = program.resolve(own(program, {name: path}), schema=program.own_schema)
        assert resolution.value("training.token") == "canary"
        assert str(resolution.trace("training.token").winner.origin) == f"{name} (token)"
    both = {"DEMO__TRAINING__TOKEN_FILE": path, "API_TOKEN": "canary"}
    assert program.resolve(own(program, both), schema=program.own_schema).value("training.token") == "canary"
    for variables, words in (
        ({**both, "API_TOKEN": "other"}, "mean the same setting and differ"),
        ({"API_TOKEN_FILE": "gone"}, "the file 'gone' cannot be read: No such file or directory"),
        ({"API_TOKEN_FILE": "/dev/zero"}, "the file '/dev/zero' is not a regular file"),
        ({"DEMO__TRAINING__NEPOCHS_FILE": path}, "unknown setting 'training.nepochs_file'"),
    ):
        with pytest.raises(ConfigError, match=words) as caught:
            program.resolve(own(program, variables), schema=program.own_schema)
        assert "canary" not in str(caught.value)


def test_complaint_shows_its_example_as_the_source_would(program: SimpleNamespace) -> None:
    """A check that knows a legal value need not know where the wrong one was written."""

    def positive(value: int) -> Complaint | None:
        return None if value > 0 else Complaint(f"must be positive, got {value}", example=50)

    schema = program.make_schema(settings=[Setting("training.nepochs", check=positive)])
    for layer, hint in (
        (environment.layer("DEMO", {"DEMO__TRAINING__NEPOCHS": "0"}), "DEMO__TRAINING__NEPOCHS=50"),
        (flags.given({"nepochs": "0"}, spelling={"nepochs": "--max_epochs"}), "--max_epochs 50"),
        (toml.parse("training.nepochs = 0")[0], "nepochs = 50"),
    ):
        with pytest.raises(ConfigError) as caught:
            program.resolve(layer, schema=schema)
        assert caught.value.exceptions[0].hint == hint


def test_unknown_variables_may_be_ignored(program: SimpleNamespace) -> None:
    """Per layer: error, warn or ignore."""
    variables = {"DEMO__NO__SUCH": "1", "DEMO_X": "2"}
    program.resolve(environment.layer("DEMO", variables, unknown="ignore"))
    with pytest.warns(
        UserWarning, match=r"^unknown setting 'no.such', written in environment DEMO__NO__SUCH$"
    ):
        program.resolve(environment.layer("DEMO", variables, unknown="warn"))
