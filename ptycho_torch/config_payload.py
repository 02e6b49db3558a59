"""What a torch run is handed: all its configurations, the audit dict, and the story behind every value."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ptycho import params
from ptycho.config import views
from ptycho.config.config import (
    InferenceConfig,
    PyTorchExecutionConfig,
    TrainingConfig,
    update_legacy_dict,
)
from ptycho.config.device import Found, settle_accelerator
from ptycho.config.rules import BUNDLE_NAME
from ptycho.config.run import groups_missing
from ptycho_torch import config_params as torch
from ptyconf import ConfigError, Origin, Problem, Resolution
from ptyconf.sources import mapping

__all__ = [
    "InferencePayload",
    "TrainingPayload",
    "inference_payload",
    "require_file",
    "require_model",
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


@dataclass
class TrainingPayload:
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
class InferencePayload:
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
    require_file(resolution["training.train_data_file"], "Training data file not found")
    if resolution["training.n_groups"] is None:
        raise groups_missing("train")
    resolution = _on_device(resolution, machine)
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
    payload.overrides_applied = {
        **deepcopy(dict(overrides or {})),
        "N": payload.pt_data_config.N,
        "nphotons": payload.pt_data_config.nphotons,
        "nphotons_source": _photon_source(resolution),
        "epochs": payload.pt_training_config.epochs,
        "K": payload.pt_data_config.K,
        "mode": payload.pt_model_config.mode,
        **{knob: getattr(payload.execution_config, knob) for knob in _TRAINING_KNOBS},
    }
    _publish(payload.tf_training_config)
    return payload


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
    for path in ("inference.model_path", "inference.test_data_file"):
        if resolution.get(path) is None:
            raise ConfigError(
                [Problem(f"{path.partition('.')[2]} is required", path=path, expected="a path")]
            )
    require_model(resolution["inference.model_path"])
    require_file(resolution["inference.test_data_file"], "Test data file not found")
    resolution = _on_device(resolution, machine)
    payload = InferencePayload(
        tf_inference_config=resolution.build(views.INFERENCE),
        pt_data_config=resolution.build(views.TORCH_DATA_IN_INFERENCE),
        pt_inference_config=resolution.build(views.TORCH_INFERENCE),
        execution_config=resolution.build(views.EXECUTION),
        overrides_applied={},
        resolution=resolution,
    )
    payload.overrides_applied = {
        **deepcopy(dict(overrides or {})),
        "N": payload.pt_data_config.N,
        "nphotons": payload.pt_data_config.nphotons,
        "nphotons_source": _photon_source(resolution),
        "K": payload.pt_data_config.K,
        "mode": views.MODE.to_target(resolution["model.model_type"]),
        **{knob: getattr(payload.execution_config, knob) for knob in _INFERENCE_KNOBS},
    }
    _publish(payload.tf_inference_config)
    return payload


def require_file(path: Path | None, complaint: str) -> None:
    """Refuse a scan file that is not there.

    Raises:
        FileNotFoundError: The complaint, with the path.
    """
    if path is None or not path.is_file():
        raise FileNotFoundError(
            f"{complaint}: {path}\n  expected  a scan file (.npz)\n"
            f"  try       an absolute path; this one is seen from {Path.cwd()}"
        )


def require_model(folder: Path) -> None:
    """Refuse a folder without a trained model; the archive is not opened.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: There is no archive in it.
    """
    if not folder.exists():
        raise FileNotFoundError(
            f"Model directory not found: {folder}\n  expected  the run folder of a training\n"
            f"  try       an absolute path; this one is seen from {Path.cwd()}"
        )
    archive = folder / BUNDLE_NAME if folder.is_dir() else folder
    if not archive.is_file():
        raise ValueError(
            f"Model archive not found: {archive}\n"
            f"  expected  {BUNDLE_NAME} in the run folder of a finished training"
        )


def _on_device(resolution: Resolution, machine: str | None) -> Resolution:
    """Put the device that 'auto' became on top of the story of the accelerator."""
    if resolution["execution.accelerator"] != "auto":
        return resolution
    found = Found(machine, "an execution configuration found it") if machine else settle_accelerator()
    origin = Origin("measured", "this machine", f"'auto' on this machine: {found.evidence}")
    values = {"execution.accelerator": found.accelerator}
    return resolution.with_layer(mapping.layer("measured", values, kind="measured", origin=lambda _: origin))


def _photon_source(resolution: Resolution) -> str:
    layer = resolution.winner_layer("training.nphotons")
    return _PHOTON_SOURCES.get(layer, layer)


def _publish(config: TrainingConfig | InferenceConfig) -> None:
    """Write the configuration that is in force; nothing after this can fail."""
    params.unseal()
    update_legacy_dict(params.cfg, config)
    params.seal()
