"""Before a run: files are there, the device is settled, `params.cfg` holds what is in force."""

from dataclasses import dataclass, field
from pathlib import Path

from ptycho.run.resolve import groups_missing
from ptycho.settings import legacy_dict as params
from ptycho.settings import views
from ptycho.settings.device import Backend, Found, settle_accelerator
from ptycho.settings.execution import PyTorchExecutionConfig
from ptycho.settings.inference import InferenceConfig
from ptycho.settings.legacy import update_legacy_dict
from ptycho.settings.training import TrainingConfig
from ptycho.settings.validation import BUNDLE_NAME
from ptyconf import ConfigError, Origin, Problem, Resolution
from ptyconf.sources import mapping


@dataclass
class PreparedTraining:
    """The configurations of one training and the story behind every value."""

    tf_training_config: TrainingConfig
    execution_config: PyTorchExecutionConfig
    resolution: Resolution = field(repr=False, compare=False)


@dataclass
class PreparedInference:
    """The configurations of one reconstruction and the story behind every value."""

    tf_inference_config: InferenceConfig
    execution_config: PyTorchExecutionConfig
    resolution: Resolution = field(repr=False, compare=False)


def prepare_training(resolution: Resolution, backend: Backend = "tensorflow") -> PreparedTraining:
    """Build the configurations of a training, populate `params.cfg` and seal it.

    Args:
        resolution: What was resolved.
        backend: The library that computes.

    Raises:
        FileNotFoundError: "Training data file not found".
        ValueError: "n_groups is required in overrides".
    """
    require_trainable(resolution)
    resolution = on_device(resolution, backend)
    prepared = PreparedTraining(
        resolution.build(views.TRAINING), resolution.build(views.EXECUTION), resolution
    )
    publish(prepared.tf_training_config)
    return prepared


def prepare_inference(resolution: Resolution, backend: Backend = "tensorflow") -> PreparedInference:
    """Build the configurations of a reconstruction, populate `params.cfg` and seal it.

    Args:
        resolution: What was resolved; without n_groups every position is reconstructed.
        backend: The library that computes.

    Raises:
        FileNotFoundError: "Model directory not found" or "Test data file not found".
        ValueError: "Model archive not found", or a path that nobody gave.
    """
    require_inferable(resolution)
    resolution = on_device(resolution, backend)
    prepared = PreparedInference(
        resolution.build(views.INFERENCE), resolution.build(views.EXECUTION), resolution
    )
    publish(prepared.tf_inference_config)
    return prepared


def require_trainable(resolution: Resolution) -> None:
    """Accept settings that name a scan and say how many groups to draw.

    Raises:
        FileNotFoundError: "Training data file not found".
        ValueError: "n_groups is required in overrides".
    """
    require_file(resolution["training.train_data_file"], "Training data file not found")
    if resolution["training.n_groups"] is None:
        raise groups_missing("train")


def require_inferable(resolution: Resolution) -> None:
    """Accept settings that name a trained model and a scan.

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


def on_device(resolution: Resolution, backend: Backend, machine: str | None = None) -> Resolution:
    """Put the device that 'auto' became on top of the story of the accelerator.

    Args:
        resolution: What was resolved.
        backend: The library that computes, and that is asked.
        machine: The device that 'auto' has already become; None looks for one.
    """
    if resolution["execution.accelerator"] != "auto":
        return resolution
    found = Found(machine, "an execution configuration found it") if machine else settle_accelerator(backend)
    origin = Origin("measured", "this machine", f"'auto' on this machine: {found.evidence}")
    values = {"execution.accelerator": found.accelerator}
    return resolution.with_layer(mapping.layer("measured", values, kind="measured", origin=lambda _: origin))


def publish(config: TrainingConfig | InferenceConfig) -> None:
    """Write the configuration that is in force; nothing after this can fail."""
    params.unseal()
    update_legacy_dict(params.cfg, config)
    params.seal()
