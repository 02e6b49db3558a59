"""From torch-side configurations to TensorFlow-side ones: the schema's views, read from instances to classes.

Pure functions: they read their arguments and make a new configuration; `params.cfg` stays as it is.
"""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from ptycho.config import config as tensorflow
from ptycho.settings import views
from ptycho.settings.call_site import outside_stack_level
from ptycho.settings.layers import (
    BARE_NAMES,
    TENSORFLOW_DEFAULTS,
    TORCH_BACKEND,
    TORCH_DEFAULTS,
    Command,
    bridge_precedence,
)
from ptycho.settings.schema import schema
from ptycho_torch import config_params as torch
from ptyconf import ConfigError, Layer, Problem, Resolution, resolve
from ptyconf.sources import instance, mapping

__all__ = ["to_inference_config", "to_model_config", "to_training_config"]

Overrides = Mapping[str, Any] | None
DEFAULT_NPHOTONS = next(item.default for item in fields(torch.DataConfig) if item.name == "nphotons")


def to_model_config(
    data: torch.DataConfig, model: torch.ModelConfig, overrides: Overrides = None
) -> tensorflow.ModelConfig:
    """Translate the model.

    Raises:
        ValueError: "Non-square grids", "Invalid mode", "Unknown activation", or what else is no legal value.
    """
    layers = [
        _overrides(overrides, "train"),
        instance.layer("torch-config", data, views.TORCH_DATA, fields="changed"),
        instance.layer("torch-config", model, views.TORCH_MODEL, fields="changed", within=1),
    ]
    return _resolve(layers).build(views.MODEL)


def to_training_config(
    tf_model: tensorflow.ModelConfig,
    data: torch.DataConfig,
    pt_model: torch.ModelConfig,
    training: torch.TrainingConfig,
    overrides: Overrides = None,
) -> tensorflow.TrainingConfig:
    """Translate a training.

    Raises:
        ValueError: "nphotons default divergence", "n_groups" missing, "train_data_file is required", or what
            else is no legal value; looked at in this order.

    Warns:
        UserWarning: There is no test_data_file.
    """
    written = _overrides(overrides, "train")
    if data.nphotons == DEFAULT_NPHOTONS and not written.writes(schema, "training.nphotons"):
        raise _problem(
            f"nphotons default divergence detected: torch's default {DEFAULT_NPHOTONS:g} is not confirmed, "
            "and TensorFlow's is 1e+09",
            "training.nphotons",
            "overrides=dict(..., nphotons=1e9)",
        )
    layers = [
        written,
        instance.layer("tensorflow-config", tf_model, views.MODEL, fields="all"),
        instance.layer("torch-config", training, views.TORCH_TRAINING, fields="changed"),
        instance.layer("torch-config", data, views.TORCH_DATA, fields="changed", within=1),
        instance.layer("torch-config", pt_model, views.TORCH_MODEL, fields="changed", within=2),
    ]
    _require_groups(layers, "training.n_groups")
    if not _written(layers, "training.test_data_file"):
        warnings.warn(
            "test_data_file is not given: nothing is there for the evaluation after training. "
            "Name it: overrides=dict(..., test_data_file=...)",
            UserWarning,
            stacklevel=outside_stack_level(),
        )
    _require(layers, "training.train_data_file")
    return _resolve(layers).build(views.TRAINING)


def to_inference_config(
    tf_model: tensorflow.ModelConfig,
    data: torch.DataConfig,
    inference: torch.InferenceConfig,
    overrides: Overrides = None,
) -> tensorflow.InferenceConfig:
    """Translate a reconstruction.

    Raises:
        ValueError: "n_groups" missing, "model_path is required", "test_data_file is required", or what else
            is no legal value; looked at in this order.
    """
    layers = [
        _overrides(overrides, "infer"),
        instance.layer("tensorflow-config", tf_model, views.MODEL, fields="all"),
        instance.layer("torch-config", inference, views.TORCH_INFERENCE, fields="changed"),
        instance.layer("torch-config", data, views.TORCH_DATA_IN_INFERENCE, fields="changed", within=1),
    ]
    _require_groups(layers, "inference.n_groups")
    for name in ("model_path", "test_data_file"):
        _require(layers, f"inference.{name}")
    return _resolve(layers).build(views.INFERENCE)


def _overrides(overrides: Overrides, command: Command) -> Layer:
    return mapping.layer("overrides", overrides or {}, sections=BARE_NAMES[command], stacklevel=3)


def _resolve(layers: Iterable[Layer]) -> Resolution:
    stack = [*layers, TORCH_BACKEND, *TORCH_DEFAULTS, *TENSORFLOW_DEFAULTS]
    return resolve(schema, bridge_precedence, stack, stacklevel=outside_stack_level())


def _written(layers: Iterable[Layer], path: str) -> bool:
    return any(layer.writes(schema, path) for layer in layers)


def _require_groups(layers: Iterable[Layer], path: str) -> None:
    if not _written(layers, path):
        raise _problem("n_groups is required in overrides", path, "overrides=dict(..., n_groups=512)")


def _require(layers: Iterable[Layer], path: str) -> None:
    name = path.rpartition(".")[2]
    if not _written(layers, path):
        raise _problem(f"{name} is required", path, f"overrides=dict(..., {name}=...)")


def _problem(text: str, path: str, hint: str) -> ConfigError:
    expected = schema.index.slots[path].expected
    return ConfigError([Problem(text, path=path, expected=expected, hint=hint)])
