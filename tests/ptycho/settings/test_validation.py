"""What is legal: the words of the contract, in constructors, in validation and in the schema alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho.config.config import (
    InferenceConfig,
    ModelConfig,
    PyTorchExecutionConfig,
    TrainingConfig,
    validate_inference_config,
    validate_model_config,
    validate_training_config,
)
from ptycho.run.resolve import resolve_run
from ptycho.settings.validation import missing_model
from ptyconf import ConfigError

MODEL: list[tuple[str, Any, str]] = [
    ("N", 0, "Unsupported input size: 0"),
    ("N", 96, "Unsupported input size: 96"),
    ("gridsize", 0, "gridsize must be positive, got 0"),
    ("n_filters_scale", -1, "n_filters_scale must be positive, got -1"),
    ("probe_scale", 0.0, "probe_scale must be positive, got 0.0"),
    ("gaussian_smoothing_sigma", -0.5, "gaussian_smoothing_sigma must be non-negative, got -0.5"),
    ("architecture", "fno", "Invalid architecture 'fno'. Expected one of ['canvas_unet', 'cnn', 'unet']."),
    ("probe_modes", 0, "probe_modes must be positive, got 0"),
    ("unet_stages", 0, "unet_stages must be positive, got 0"),
]
TRAINING: list[tuple[str, Any, str]] = [
    ("batch_size", 0, "batch_size must be positive power of 2, got 0"),
    ("batch_size", 24, "batch_size must be positive power of 2, got 24"),
    ("nepochs", 0, "nepochs must be positive, got 0"),
    ("mae_weight", 1.5, "mae_weight must be in [0,1], got 1.5"),
    ("nll_weight", -0.1, "nll_weight must be in [0,1], got -0.1"),
    ("nphotons", 0.0, "nphotons must be positive, got 0.0"),
    ("backend", "jax", "Invalid backend: 'jax'. TrainingConfig.backend must be 'tensorflow' or 'pytorch'."),
    ("torch_loss_mode", "mse", "Invalid torch_loss_mode='mse'. Expected 'poisson' or 'mae'."),
    ("probe_warmup_epochs", -1, "probe_warmup_epochs must be non-negative, got -1"),
    ("probe_learning_rate", 0.0, "probe_learning_rate must be positive, got 0.0"),
    ("validation_fraction", 1.0, "validation_fraction must be in [0,1), got 1.0"),
    ("realspace_weight", -1.0, "realspace_weight must be non-negative, got -1.0"),
    ("n_subsample", 0, "n_subsample must be positive, got 0"),
    ("subsample_seed", -1, "subsample_seed must be non-negative, got -1"),
    ("neighbor_pool_size", 0, "neighbor_pool_size must be positive, got 0"),
    ("seed", -1, "seed must be non-negative, got -1"),
]
EXECUTION: list[tuple[str, Any, str]] = [
    (
        "accelerator",
        "gpus",
        "Invalid accelerator: 'gpus'. Expected one of ['auto', 'cpu', 'cuda', 'gpu', 'mps'].",
    ),
    (
        "accelerator",
        "tpu",
        (
            "Torch-XLA TPU execution is unsupported; "
            "accelerator must be one of ['auto', 'cpu', 'cuda', 'gpu', 'mps'], got 'tpu'"
        ),
    ),
    ("accum_steps", 0, "accum_steps must be positive, got 0"),
    ("num_workers", -1, "num_workers must be non-negative, got -1"),
    ("learning_rate", 0.0, "learning_rate must be positive, got 0.0"),
    ("checkpoint_save_top_k", -1, "checkpoint_save_top_k must be non-negative, got -1"),
    ("checkpoint_mode", "best", "Invalid checkpoint_mode: 'best'. Expected one of ['max', 'min']."),
    ("early_stop_patience", 0, "early_stop_patience must be positive, got 0"),
    ("inference_batch_size", 0, "inference_batch_size must be positive, got 0"),
    ("devices", 0, "devices must be a positive integer or 'auto', got 0"),
    ("precision", "64", "Invalid precision: '64'. Expected one of ['16-mixed', '32-true', 'bf16-mixed']."),
    (
        "gradient_clip_algorithm",
        "l1",
        "Invalid gradient_clip_algorithm: 'l1'. Expected one of ['agc', 'norm', 'value'].",
    ),
    ("threads", 0, "threads must be positive, got 0"),
    ("warmup_epochs", -1, "warmup_epochs must be non-negative, got -1"),
    ("min_lr_ratio", 1.5, "min_lr_ratio must be in [0,1], got 1.5"),
]
RESOLVED: list[tuple[str, Any, str]] = [
    (
        "scheduler",
        "Linear",
        (
            "Invalid scheduler: 'Linear'. Expected one of ['Adaptive', 'Cosine', 'Default', 'Exponential', "
            "'MultiStage', 'ReduceLROnPlateau', 'WarmupCosine']."
        ),
    ),
    (
        "logger_backend",
        "wandb",
        "Invalid logger_backend: 'wandb'. Expected one of ['csv', 'mlflow', 'none', 'tensorboard'].",
    ),
    ("gradient_clip_val", -1.0, "gradient_clip_val must be non-negative, got -1.0"),
    ("prefetch_factor", 0, "prefetch_factor must be positive, got 0"),
]
ELSEWHERE: list[tuple[str, Any, str]] = [
    ("model.intensity_scale", 0.0, "intensity_scale must be positive, got 0.0"),
    ("inference.batch_size", 0, "batch_size must be positive, got 0"),
    ("data.wavelength_m", -1e-10, "wavelength_m must be positive, got -1e-10"),
]


def cases(table: list[tuple[str, Any, str]]) -> Callable[[Any], Any]:
    """Run a test over a table, each row named by field and value."""
    ids = [f"{field}={value}" for field, value, _ in table]
    return pytest.mark.parametrize(("field", "value", "text"), table, ids=ids)


@cases(MODEL)
def test_a_model_is_judged_in_the_words_of_the_contract(field: str, value: Any, text: str) -> None:
    """Validation names the value; construction took it."""
    with pytest.raises(ValueError, match=field.split("_", maxsplit=1)[0] + "|input size") as caught:
        validate_model_config(ModelConfig(**{field: value}))
    assert str(caught.value).startswith(f"{text}\n  expected  ")


@cases(TRAINING)
def test_a_training_is_judged_like_that(field: str, value: Any, text: str) -> None:
    """Validation of a training names the value."""
    with pytest.raises(ValueError, match=r".") as caught:
        validate_training_config(TrainingConfig(model=ModelConfig(), **{field: value}))
    assert str(caught.value).startswith(f"{text}\n  expected  ")


@cases(EXECUTION)
def test_an_execution_is_judged_when_it_is_made(field: str, value: Any, text: str) -> None:
    """The constructor refuses what no run can obey."""
    with pytest.raises(ValueError, match=r".") as caught:
        PyTorchExecutionConfig(**{"accelerator": "cpu", field: value})
    assert str(caught.value).startswith(f"{text}\n  expected  ")


SETTINGS = [
    (f"{section}.{field}", value, text)
    for section, table in (("model", MODEL), ("training", TRAINING), ("execution", [*EXECUTION, *RESOLVED]))
    for field, value, text in table
] + ELSEWHERE


@cases(SETTINGS)
def test_the_schema_uses_the_same_words(field: str, value: Any, text: str) -> None:
    """A value that is written for a run is refused as the classes refuse it, with its place."""
    with pytest.raises(ConfigError) as caught:
        resolve_run("train", overrides={field: value})
    assert str(caught.value).startswith(f"{text}\n  written in  overrides['{field}'] (")


def test_all_complaints_come_together() -> None:
    """A configuration with several faults tells them all, the model's first."""
    config = TrainingConfig(model=ModelConfig(N=0, gridsize=0), nepochs=0)
    with pytest.raises(ValueError, match="input size") as caught:
        validate_training_config(config)
    assert str(caught.value) == (
        "Unsupported input size: 0\n"
        "  expected  canvas_unet: a multiple of 8 from 32 to 1024; cnn: one of 64, 128, 256; "
        "unet: a multiple of 8 from 32 to 1024\n  try       N = 64\n"
        "gridsize must be positive, got 0\n  expected  a whole number above 0\n  try       gridsize = 1\n"
        "nepochs must be positive, got 0\n  expected  a whole number above 0\n  try       nepochs = 50"
    )


def test_values_of_another_kind_are_judged_too() -> None:
    """A text where a number belongs is a complaint, not a crash."""
    with pytest.raises(ValueError, match="nepochs must be positive, got ten"):
        validate_training_config(TrainingConfig(model=ModelConfig(), nepochs="ten"))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [1.5, 2.0, True])
def test_a_count_is_a_whole_number(value: Any) -> None:
    """A half group, or a yes, is no number of groups; numpy's whole numbers are."""
    with pytest.raises(ValueError, match=f"gridsize must be positive, got {value}") as caught:
        validate_model_config(ModelConfig(gridsize=value))
    assert "\n  expected  a whole number above 0\n" in str(caught.value)
    validate_model_config(ModelConfig(gridsize=np.int64(2)))  # type: ignore[arg-type]


def test_a_quantity_is_finite() -> None:
    """Infinitely many photons are refused."""
    with pytest.raises(ValueError, match="nphotons must be positive, got inf"):
        validate_training_config(TrainingConfig(model=ModelConfig(), nphotons=float("inf")))


def test_legal_configurations_pass(tmp_path: Path) -> None:
    """The defaults are legal, and so is a folder with an archive."""
    validate_model_config(ModelConfig())
    validate_training_config(TrainingConfig(model=ModelConfig()))
    (tmp_path / "wts.h5.zip").touch()
    validate_inference_config(InferenceConfig(ModelConfig(), tmp_path, Path("t.npz")))


def test_a_missing_model_says_what_was_looked_for(tmp_path: Path) -> None:
    """A folder needs the archive; a file may lack its ending."""
    with pytest.raises(ValueError, match="Model archive not found") as caught:
        validate_inference_config(InferenceConfig(ModelConfig(), tmp_path, Path("t.npz")))
    assert str(caught.value) == f"Model archive not found: {tmp_path / 'wts.h5.zip'}"
    bundle = tmp_path / "bundle"
    assert missing_model(bundle) == f"model_path does not exist: {bundle} (also checked {bundle}.zip)"
    (tmp_path / "bundle.zip").touch()
    assert missing_model(bundle) is None
    assert missing_model(tmp_path / "bundle.zip") is None
