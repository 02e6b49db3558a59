"""Everything that a torch run needs to know, made in one call, with the origin of every value.

The factories check their arguments first and touch nothing until all is well; then `ptycho.params.cfg` holds
the TensorFlow-side configuration (CONFIG-001) and is sealed. No framework is imported.
"""

import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ptycho import params
from ptycho.config import views
from ptycho.config.callsite import outside_stack_level
from ptycho.config.config import (
    InferenceConfig,
    PyTorchExecutionConfig,
    TrainingConfig,
    update_legacy_dict,
)
from ptycho.config.data_file import ProbeSide, probe_side
from ptycho.config.device import resolve_accelerator
from ptycho.config.precedence import TORCH_BACKEND, Command
from ptycho.config.rules import BUNDLE_NAME
from ptycho.config.run import Written, gives_groups, groups_missing, resolve_layers
from ptycho.config.settings import schema
from ptycho_torch import config_params as torch
from ptyconf import ConfigError, Layer, Origin, Problem, Resolution
from ptyconf.sources import mapping

__all__ = [
    "InferencePayload",
    "TrainingPayload",
    "create_inference_payload",
    "create_training_payload",
    "infer_probe_size",
    "inference_payload",
    "populate_legacy_params",
    "training_payload",
]

PathLike = str | os.PathLike[str]

FALLBACK_PROBE_SIDE = 64
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


def create_training_payload(
    train_data_file: PathLike,
    output_dir: PathLike,
    overrides: Mapping[str, Any] | None = None,
    execution_config: PyTorchExecutionConfig | None = None,
    *,
    files: Iterable[PathLike] = (),
    flags: Layer | Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> TrainingPayload:
    """Resolve a training, populate `params.cfg` with it and seal that.

    Args:
        train_data_file: Scan to train on.
        output_dir: Run folder.
        overrides: Values above all others, by path, by name within a section, or by bare name.
        execution_config: How the run is carried out; only the fields that the caller set count.
        files: Settings files; a later one stands above an earlier one.
        flags: A layer of flags, or values by path.
        environment: Variables of the environment; None leaves the environment unread.

    Raises:
        FileNotFoundError: "Training data file not found".
        ValueError: "n_groups is required in overrides", or everything that is wrong with the settings.
    """
    scan = Path(train_data_file)
    _require_file(scan, "Training data file not found")
    written = Written(files, flags, environment, overrides, execution_config)
    arguments = {"training.train_data_file": scan, "training.output_dir": Path(output_dir)}
    layers = [
        *written.layers("train", stacklevel=2),
        mapping.layer("overrides", arguments, label="create_training_payload", stacklevel=2),
    ]
    resolution = _resolve("train", layers, scan)
    return training_payload(resolution, overrides, machine=_machine_of(execution_config))


def create_inference_payload(
    model_path: PathLike,
    test_data_file: PathLike,
    output_dir: PathLike,
    overrides: Mapping[str, Any] | None = None,
    execution_config: PyTorchExecutionConfig | None = None,
    *,
    files: Iterable[PathLike] = (),
    flags: Layer | Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> InferencePayload:
    """Resolve a reconstruction, populate `params.cfg` with it and seal that.

    Args:
        model_path: Folder that holds the trained model, `wts.h5.zip`; the archive is not opened.
        test_data_file: Scan to reconstruct.
        output_dir: Folder of the reconstruction.
        overrides: Values above all others, by path, by name within a section, or by bare name.
        execution_config: How the run is carried out; only the fields that the caller set count.
        files: Settings files; a later one stands above an earlier one.
        flags: A layer of flags, or values by path.
        environment: Variables of the environment; None leaves the environment unread.

    Raises:
        FileNotFoundError: "Model directory not found" or "Test data file not found".
        ValueError: "Model archive not found", "n_groups is required in overrides", or everything that is
            wrong with the settings.
    """
    model, scan = Path(model_path), Path(test_data_file)
    _require_model(model)
    _require_file(scan, "Test data file not found")
    written = Written(files, flags, environment, overrides, execution_config)
    arguments = {
        "inference.model_path": model,
        "inference.test_data_file": scan,
        "inference.output_dir": Path(output_dir),
    }
    layers = [
        *written.layers("infer", stacklevel=2),
        mapping.layer("overrides", arguments, label="create_inference_payload", stacklevel=2),
    ]
    resolution = _resolve("infer", layers, scan)
    return inference_payload(resolution, overrides, machine=_machine_of(execution_config))


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
    _require_file(resolution["training.train_data_file"], "Training data file not found")
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
        **(overrides or {}),
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
    _require_model(resolution["inference.model_path"])
    _require_file(resolution["inference.test_data_file"], "Test data file not found")
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
        **(overrides or {}),
        "N": payload.pt_data_config.N,
        "K": payload.pt_data_config.K,
        **{knob: getattr(payload.execution_config, knob) for knob in _INFERENCE_KNOBS},
    }
    _publish(payload.tf_inference_config)
    return payload


def infer_probe_size(path: PathLike) -> int:
    """Read the side of a scan's probe in px from the header of `probeGuess`; the arrays stay unread.

    Warns:
        UserWarning: The probe is not square, and its first axis was taken; or nothing could be read, and 64
            was taken.
    """
    probe = probe_side(Path(path))
    _tell_doubt(Path(path), probe)
    return FALLBACK_PROBE_SIDE if probe.side is None else probe.side


def populate_legacy_params(tf_config: TrainingConfig | InferenceConfig, force: bool = False) -> None:
    """Write a TensorFlow-side configuration into `params.cfg` (CONFIG-001).

    Args:
        tf_config: The configuration.
        force: It is meant that an earlier configuration is replaced.

    Raises:
        TypeError: The configuration is neither a TrainingConfig nor an InferenceConfig.

    Warns:
        UserWarning: "params.cfg already populated", unless `force`; it is written either way.
    """
    if not isinstance(tf_config, (TrainingConfig, InferenceConfig)):
        raise TypeError(
            "tf_config must be TrainingConfig or InferenceConfig instance, "
            f"got {type(tf_config).__module__}.{type(tf_config).__qualname__}"
        )
    if params.is_populated() and not force:
        warnings.warn(
            "params.cfg already populated; its values are replaced. Say force=True when this is meant.",
            UserWarning,
            stacklevel=2,
        )
    update_legacy_dict(params.cfg, tf_config)


def _resolve(command: Command, layers: list[Layer], scan: Path) -> Resolution:
    if not gives_groups(command, layers):
        raise groups_missing(command)
    probe = probe_side(scan)
    if probe.doubt and not any(layer.writes(schema, "model.N") for layer in layers):
        _tell_doubt(scan, probe)
    return resolve_layers([*layers, TORCH_BACKEND], scan=scan, probe=probe)


def _tell_doubt(scan: Path, probe: ProbeSide) -> None:
    if not probe.doubt:
        return
    taken = f"; took N = {FALLBACK_PROBE_SIDE}" if probe.side is None else ""
    warnings.warn(
        f"probe size of {scan} is uncertain: {probe.doubt}{taken}. Name it: overrides=dict(..., N=...)",
        UserWarning,
        stacklevel=outside_stack_level(),
    )


def _machine_of(execution_config: PyTorchExecutionConfig | None) -> str | None:
    """Take the device that an execution configuration found when it was made, so that nobody looks twice."""
    return None if execution_config is None else execution_config.accelerator


def _on_device(resolution: Resolution, machine: str | None) -> Resolution:
    """Put the device that 'auto' became on top of the story of the accelerator."""
    if resolution["execution.accelerator"] != "auto":
        return resolution
    device = resolve_accelerator("auto") if machine is None else machine
    origin = Origin("measured", "this machine", "what 'auto' became on this machine")
    return resolution.with_layer(
        mapping.layer("measured", {"execution.accelerator": device}, kind="measured", origin=lambda _: origin)
    )


def _photon_source(resolution: Resolution) -> str:
    layer = resolution.winner_layer("training.nphotons")
    return _PHOTON_SOURCES.get(layer, layer)


def _require_file(path: Path | None, complaint: str) -> None:
    if path is None or not path.is_file():
        raise FileNotFoundError(
            f"{complaint}: {path}\n  expected  a scan file (.npz)\n"
            f"  try       an absolute path; this one is seen from {Path.cwd()}"
        )


def _require_model(folder: Path) -> None:
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


def _publish(config: TrainingConfig | InferenceConfig) -> None:
    """Write the configuration that is in force; nothing after this can fail."""
    params.unseal()
    update_legacy_dict(params.cfg, config)
    params.seal()
