"""The environment layer."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ptyconf import Complaint, ConfigError, Setting
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


def test_near_miss_of_the_prefix_is_told(program: SimpleNamespace) -> None:
    """One underscore too few is not silently ignored."""
    assert told(program, {"DEMO_TRAINING__NEPOCHS": "3"}) == (
        "the variable 'DEMO_TRAINING__NEPOCHS' is not read\n"
        "  written in  environment DEMO_TRAINING__NEPOCHS\n"
        "  expected    DEMO__SECTION__NAME, two underscores between levels\n"
        "  try         DEMO__TRAINING__NEPOCHS"
    )


def test_near_miss_is_corrected_by_the_schema(program: SimpleNamespace) -> None:
    """Whichever underscores were missed, a name that the schema has is suggested whole."""
    for written in ("DEMO_TRAINING_BATCH_SIZE", "DEMO_TRAINING__BATCH_SIZE"):
        assert told(program, {written: "3"}).splitlines()[-1] == "  try         DEMO__TRAINING__BATCH_SIZE"
    assert told(program, {"DEMO_SOMETHING": "3"}).splitlines()[-1] == "  try         DEMO__SOMETHING"


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
