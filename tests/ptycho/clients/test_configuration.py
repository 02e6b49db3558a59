"""A client's configuration object: which of its values stand where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ptycho.clients.configuration import named_fields, require_training_config, resolve_training
from ptycho.config.config import ModelConfig, PyTorchExecutionConfig, TrainingConfig
from ptycho.raw_data import RawData
from ptyconf import ConfigError, Resolution


def resolved(config: TrainingConfig, scan: RawData, **more: Any) -> Resolution:
    """Resolve on behalf of the torch backend."""
    return resolve_training(config, scan, backend="pytorch", **more)


def test_every_value_of_a_configuration_holds(jail: Path, tiny_scan: RawData) -> None:
    """Also those that nobody named, above the defaults of the other side."""
    config = TrainingConfig(model=ModelConfig())
    resolution = resolved(config, tiny_scan)
    for section, part in (("model", config.model), ("training", config)):
        for name in (
            "gridsize",
            "amp_activation",
            "n_filters_scale",
            "neighbor_count",
            "nepochs",
            "n_groups",
        ):
            if hasattr(part, name):
                assert resolution[f"{section}.{name}"] == getattr(part, name)
    assert resolution.winner_layer("model.gridsize") == "cli-defaults"


def test_a_value_assigned_later_counts_as_named(jail: Path, tiny_scan: RawData) -> None:
    """Clients fix N when they have seen the frames."""
    config = TrainingConfig(model=ModelConfig(N=0), nepochs=3)
    config.model.N = 64
    resolution = resolved(config, tiny_scan)
    assert resolution["model.N"] == 64
    assert {resolution.winner_layer(path) for path in ("model.N", "training.nepochs")} == {"overrides"}
    assert str(resolution.trace("model.N").winner.origin) == "ModelConfig.N"


def test_the_environment_stands_between(
    jail: Path, tiny_scan: RawData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below what the caller named, above what it left alone."""
    for name in ("TRAINING__NEPOCHS", "TRAINING__SEED", "EXECUTION__THREADS"):
        monkeypatch.setenv(f"PTYCHO__{name}", "7")
    resolution = resolved(TrainingConfig(model=ModelConfig(), nepochs=3), tiny_scan)
    assert [resolution[path] for path in ("training.nepochs", "training.seed", "execution.threads")] == [
        3,
        7,
        7,
    ]


def test_a_scale_of_the_probe_acts_only_when_meant(jail: Path, tiny_scan: RawData) -> None:
    """Programs that pass every field pass its default too; that is no wish."""
    for divisor, layer in ((ModelConfig.probe_scale, "cli-defaults"), (2.0, "overrides")):
        resolution = resolved(TrainingConfig(model=ModelConfig(probe_scale=divisor)), tiny_scan)
        assert resolution["model.probe_scale"] == divisor
        assert resolution.winner_layer("model.probe_scale") == layer


@pytest.mark.parametrize("given", [None, Path()])
def test_no_file_is_no_file(jail: Path, tiny_scan: RawData, given: Path | None) -> None:
    """A client says so by an empty path."""
    config = TrainingConfig(model=ModelConfig(), train_data_file=given)
    assert resolved(config, tiny_scan)["training.train_data_file"] is None


def test_the_file_of_a_scan_is_written_down(jail: Path, tiny_scan: RawData) -> None:
    """With the way in which it was read."""
    scan = RawData.from_file(tiny_scan.to_file("scan.npz"), quantity="counts")
    resolution = resolved(TrainingConfig(model=ModelConfig()), scan)
    assert resolution["training.train_data_file"] == jail / "scan.npz"
    assert resolution["data.quantity"] == "counts"
    assert resolution["training.backend"] == resolution["inference.backend"] == "pytorch"


def test_execution_stands_below_the_call(jail: Path, tiny_scan: RawData) -> None:
    """What its caller set counts, and nothing else of it."""
    execution = PyTorchExecutionConfig(accelerator="cpu", learning_rate=0.25)
    resolution = resolved(TrainingConfig(model=ModelConfig()), tiny_scan, execution_config=execution)
    assert resolution["execution.learning_rate"] == 0.25
    assert resolution.winner_layer("execution.learning_rate") == "execution"
    assert resolution.winner_layer("execution.deterministic") == "torch-defaults"


def test_a_size_that_was_never_fixed_is_refused(jail: Path, tiny_scan: RawData) -> None:
    """The error names the field."""
    with pytest.raises(ConfigError) as caught:
        resolved(TrainingConfig(model=ModelConfig(N=0)), tiny_scan)
    assert str(caught.value).startswith("Unsupported input size: 0\n  written in  ModelConfig.N\n")


def test_a_class_of_the_caller_names_what_differs() -> None:
    """Nothing is known of such an object but its values."""

    @dataclass
    class Own(ModelConfig):
        """A client's own."""

    assert named_fields(Own(gridsize=2, N=64)) == {"gridsize"}
    assert named_fields(ModelConfig(gridsize=1)) == {"gridsize"}


def test_what_is_no_configuration_is_refused() -> None:
    """The error shows what it was."""
    with pytest.raises(TypeError) as caught:
        require_training_config({"N": 64})
    assert str(caught.value) == (
        "config is {'N': 64}\n  expected  a TrainingConfig of ptycho.config.config\n"
        "  try       TrainingConfig(model=ModelConfig(N=64))"
    )
