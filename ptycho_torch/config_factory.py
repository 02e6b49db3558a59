"""Everything that a torch run needs to know, made in one call, with the origin of every value.

The factories check their arguments first and touch nothing until all is well; then `ptycho.params.cfg` holds
the TensorFlow-side configuration (CONFIG-001) and is sealed. No framework is imported.
"""

import os
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ptycho.run.data_file import ProbeSide, probe_side
from ptycho.run.resolve import Sources, gives_groups, groups_missing, resolve_layers
from ptycho.run.settings import require_file, require_model
from ptycho.settings import legacy_dict as params
from ptycho.settings.call_site import outside_stack_level
from ptycho.settings.execution import PyTorchExecutionConfig
from ptycho.settings.inference import InferenceConfig
from ptycho.settings.layers import TORCH_BACKEND, Command
from ptycho.settings.legacy import publish
from ptycho.settings.schema import schema
from ptycho.settings.training import TrainingConfig
from ptycho_torch.config_payload import (
    InferencePayload,
    TrainingPayload,
    inference_payload,
    training_payload,
)
from ptyconf import Layer, Resolution, set_fields
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
        TypeError: The overrides are no dict, or the execution configuration is none.
    """
    _require_types(overrides, execution_config)
    scan = Path(train_data_file)
    require_file(scan, "Training data file not found")
    written = Sources(files, flags, environment, overrides, execution_config)
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
        TypeError: The overrides are no dict, or the execution configuration is none.
    """
    _require_types(overrides, execution_config)
    model, scan = Path(model_path), Path(test_data_file)
    require_model(model)
    require_file(scan, "Test data file not found")
    written = Sources(files, flags, environment, overrides, execution_config)
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
    publish(tf_config)


def _require_types(overrides: object, execution_config: object) -> None:
    if overrides is not None and not isinstance(overrides, Mapping):
        raise TypeError(f"overrides must be a dict of settings or None, got {overrides!r}")
    if execution_config is not None and not isinstance(execution_config, PyTorchExecutionConfig):
        raise TypeError(
            f"execution_config must be a PyTorchExecutionConfig or None, got {execution_config!r}"
        )


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
    """Take the device that an execution configuration found when it was made, so that nobody looks twice.

    A device that its caller named was not found, and says nothing about the machine.
    """
    if execution_config is None or "accelerator" in set_fields(execution_config):
        return None
    return execution_config.accelerator
