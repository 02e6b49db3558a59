"""A client's configuration object becomes the settings of a run, with everything else that has a say."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptycho.run.resolve import Sources, resolve_layers
from ptycho.settings import views
from ptycho.settings.execution import PyTorchExecutionConfig
from ptycho.settings.inference import InferenceConfig
from ptycho.settings.model import ModelConfig
from ptycho.settings.training import TrainingConfig
from ptyconf import Origin, set_fields
from ptyconf.errors import error_text
from ptyconf.sources import instance, mapping
from ptyconf.tracking import is_tracked

if TYPE_CHECKING:
    from ptycho.scan.raw_data import RawData
    from ptyconf import Layer, Resolution, View

__all__ = ["named_fields", "require_configuration", "require_training_config", "resolve_training"]

_NO_FILE = (None, Path())
"""How a client says that its scan is in memory."""

_SILENT_DEFAULTS = {"probe_scale": ModelConfig.probe_scale}
"""Fields that act only where somebody asks for them; programs that pass every field pass these too."""


def require_training_config(config: object) -> None:
    """Refuse what is no TrainingConfig.

    Raises:
        TypeError: It is something else.
    """
    if not isinstance(config, TrainingConfig):
        raise TypeError(
            error_text(
                f"config is {config!r}",
                expected="a TrainingConfig of ptycho.config.config",
                hint="TrainingConfig(model=ModelConfig(N=64))",
            )
        )


def require_configuration(config: object) -> None:
    """Refuse what describes neither a training nor a reconstruction.

    Raises:
        TypeError: It is something else.
    """
    if not isinstance(config, (TrainingConfig, InferenceConfig)):
        raise TypeError(
            error_text(
                f"config is {config!r}",
                expected="a TrainingConfig or an InferenceConfig of ptycho.config.config",
                hint="InferenceConfig(ModelConfig(N=64), model_path=..., test_data_file=...)",
            )
        )


def resolve_training(
    config: TrainingConfig,
    scan: RawData,
    execution_config: PyTorchExecutionConfig | None = None,
    *,
    backend: str,
) -> Resolution:
    """Resolve a training: what its caller named stands on top, its other fields above every default.

    Between the two stand the variables of the environment, ``PTYCHO__SECTION__NAME``: the way to settings
    for which a client has no field.

    Args:
        config: Every value holds, named or not; a caller's ``ModelConfig()`` means a gridsize of 1.
        scan: What is learned from; how it was read, and from where, is written down.
        execution_config: How the run is carried out; only the fields that its caller set count.
        backend: Who trains.

    Raises:
        ConfigError: Everything that is wrong with the settings, together.
    """
    if config.train_data_file in _NO_FILE:
        config = replace(config, train_data_file=None)
    layers: list[Layer] = [
        _read_from(scan, backend),
        instance.layer("overrides", scan.options, views.SCAN, fields="all", within=1),
        *_parts("overrides", config, named=True),
        *Sources(environ=os.environ, execution_config=execution_config).layers("train"),
        *_parts("cli-defaults", config, named=False),
    ]
    return resolve_layers(layers)


def named_fields(config: ModelConfig | TrainingConfig | InferenceConfig) -> frozenset[str]:
    """Give the fields that a caller named; of a class of the caller's own, those that are not the default."""
    if is_tracked(type(config)):
        return set_fields(config)
    return frozenset(item.name for item in fields(config) if getattr(config, item.name) != item.default)


def _parts(name: str, config: TrainingConfig, *, named: bool) -> list[Layer]:
    """Make the layers of what a caller named, or of all else that a configuration holds."""
    return [
        _part(name, config, views.TRAINING, 2, named=named),
        _part(name, config.model, views.MODEL, 3, named=named),
    ]


def _part(layer: str, config: Any, view: View[Any], within: int, *, named: bool) -> Layer:
    silent = {name for name, default in _SILENT_DEFAULTS.items() if getattr(config, name, None) == default}
    spoken = named_fields(config) - silent
    chosen = (spoken if named else {item.name for item in fields(config)} - spoken) - {"model"}
    return instance.layer(layer, config, view, fields=chosen, within=within)


def _read_from(scan: RawData, backend: str) -> Layer:
    """Say who trains, and which file is learned from where there is one."""
    values: dict[str, Any] = {"training.backend": backend, "inference.backend": backend}
    if scan.source is not None:
        values["training.train_data_file"] = scan.source.absolute()
    return mapping.layer("overrides", values, label="call", origin=_of_the_call)


def _of_the_call(path: str) -> Origin:
    return Origin("mapping", "call", f"the call: {path}")
