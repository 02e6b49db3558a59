"""What a torch run is handed: all its configurations, the audit dict, and the story behind every value."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from ptycho.run.settings import on_device, require_inferable, require_trainable
from ptycho.settings import views
from ptycho.settings.conversions import MODE
from ptycho.settings.execution import PyTorchExecutionConfig
from ptycho.settings.inference import InferenceConfig
from ptycho.settings.legacy import publish
from ptycho.settings.training import TrainingConfig
from ptycho_torch import config_params as torch
from ptyconf import Resolution

__all__ = [
    "InferencePayload",
    "TrainingPayload",
    "inference_payload",
    "training_payload",
]

_TRAINING_KNOBS = (
    "accelerator",
    "deterministic",
    "num_workers",
    "enable_progress_bar",
    "learning_rate",
    "scheduler",
    "accum_steps",
    "logger_backend",
)
_INFERENCE_KNOBS = ("accelerator", "num_workers", "inference_batch_size")
_PHOTON_SOURCES = {"overrides": "override", "data-file": "metadata", "tensorflow-defaults": "default"}


class _ShownBySettings:
    """A payload that a notebook shows as the settings behind it."""

    resolution: Resolution

    def _repr_html_(self) -> str:
        return self.resolution._repr_html_()


@dataclass
class TrainingPayload(_ShownBySettings):
    """All configurations of one training, the audit dict, and the story behind every value."""

    tf_training_config: TrainingConfig
    pt_data_config: torch.DataConfig
    pt_model_config: torch.ModelConfig
    pt_training_config: torch.TrainingConfig
    pt_inference_config: torch.InferenceConfig
    execution_config: PyTorchExecutionConfig
    overrides_applied: dict[str, Any]
    resolution: Resolution = field(repr=False, compare=False)


@dataclass
class InferencePayload(_ShownBySettings):
    """All configurations of one reconstruction, the audit dict, and the story behind every value."""

    tf_inference_config: InferenceConfig
    pt_data_config: torch.DataConfig
    pt_inference_config: torch.InferenceConfig
    execution_config: PyTorchExecutionConfig
    overrides_applied: dict[str, Any]
    resolution: Resolution = field(repr=False, compare=False)


def training_payload(
    resolution: Resolution, overrides: Mapping[str, Any] | None = None, *, machine: str | None = None
) -> TrainingPayload:
    """Build all configurations of a training from a resolution, populate `params.cfg` and seal it.

    Args:
        resolution: What was resolved.
        overrides: What the audit dict starts with.
        machine: The device that 'auto' has already become; None looks for one.

    Raises:
        FileNotFoundError: "Training data file not found".
        ValueError: "n_groups is required in overrides".
    """
    require_trainable(resolution)
    resolution = on_device(resolution, "pytorch", machine)
    payload = TrainingPayload(
        tf_training_config=resolution.build(views.TRAINING),
        pt_data_config=resolution.build(views.TORCH_DATA),
        pt_model_config=resolution.build(views.TORCH_MODEL),
        pt_training_config=resolution.build(views.TORCH_TRAINING),
        pt_inference_config=resolution.build(views.TORCH_INFERENCE),
        execution_config=resolution.build(views.EXECUTION),
        overrides_applied={},
        resolution=resolution,
    )
    payload.overrides_applied = _audit(payload, overrides, _TRAINING_KNOBS) | {
        "epochs": payload.pt_training_config.epochs
    }
    publish(payload.tf_training_config, seal=True)
    return payload


def _audit(
    payload: TrainingPayload | InferencePayload, overrides: Mapping[str, Any] | None, knobs: tuple[str, ...]
) -> dict[str, Any]:
    """List what a payload holds beside what its caller overrode, and share nothing with the caller."""
    return {
        **deepcopy(dict(overrides or {})),
        "N": payload.pt_data_config.N,
        "nphotons": payload.pt_data_config.nphotons,
        "nphotons_source": _photon_source(payload.resolution),
        "K": payload.pt_data_config.K,
        "mode": MODE.to_target(payload.resolution["model.model_type"]),
        **{knob: getattr(payload.execution_config, knob) for knob in knobs},
    }


def inference_payload(
    resolution: Resolution, overrides: Mapping[str, Any] | None = None, *, machine: str | None = None
) -> InferencePayload:
    """Build all configurations of a reconstruction from a resolution, populate `params.cfg` and seal it.

    Args:
        resolution: What was resolved; without n_groups every position is reconstructed.
        overrides: What the audit dict starts with.
        machine: The device that 'auto' has already become; None looks for one.

    Raises:
        FileNotFoundError: "Model directory not found" or "Test data file not found".
        ValueError: "Model archive not found", or a path that nobody gave.
    """
    require_inferable(resolution)
    resolution = on_device(resolution, "pytorch", machine)
    payload = InferencePayload(
        tf_inference_config=resolution.build(views.INFERENCE),
        pt_data_config=resolution.build(views.TORCH_DATA_IN_INFERENCE),
        pt_inference_config=resolution.build(views.TORCH_INFERENCE),
        execution_config=resolution.build(views.EXECUTION),
        overrides_applied={},
        resolution=resolution,
    )
    payload.overrides_applied = _audit(payload, overrides, _INFERENCE_KNOBS)
    publish(payload.tf_inference_config, seal=True)
    return payload


def _photon_source(resolution: Resolution) -> str:
    layer = resolution.winner_layer("training.nphotons")
    return _PHOTON_SOURCES.get(layer, layer)
