"""The settings in force in a run: files are there, the device is settled, `params.cfg` says the same."""

from dataclasses import dataclass, field
from pathlib import Path

from ptycho.run.resolve import groups_missing
from ptycho.settings import views
from ptycho.settings.device import Device, settle_accelerator
from ptycho.settings.execution import PyTorchExecutionConfig
from ptycho.settings.inference import InferenceConfig
from ptycho.settings.legacy import publish
from ptycho.settings.training import TrainingConfig
from ptycho.settings.validation import BUNDLE_NAME
from ptyconf import ConfigError, Origin, Problem, Resolution
from ptyconf.errors import error_text
from ptyconf.sources import mapping


@dataclass
class TrainingSettings:
    """What is in force in one training, and the resolution that tells where every value came from."""

    tf_training_config: TrainingConfig
    execution_config: PyTorchExecutionConfig
    resolution: Resolution = field(repr=False, compare=False)

    @classmethod
    def of(cls, resolution: Resolution) -> "TrainingSettings":
        """Build the configurations of a training from what was resolved."""
        return cls(resolution.build(views.TRAINING), resolution.build(views.EXECUTION), resolution)


@dataclass
class InferenceSettings:
    """What is in force in one reconstruction, and the resolution that tells where every value came from."""

    tf_inference_config: InferenceConfig
    execution_config: PyTorchExecutionConfig
    resolution: Resolution = field(repr=False, compare=False)


def prepare_training(resolution: Resolution, backend: str = "tensorflow") -> TrainingSettings:
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
    settings = TrainingSettings.of(resolution)
    publish(settings.tf_training_config, seal=True)
    return settings


def prepare_inference(resolution: Resolution, backend: str = "tensorflow") -> InferenceSettings:
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
    settings = InferenceSettings(
        resolution.build(views.INFERENCE), resolution.build(views.EXECUTION), resolution
    )
    publish(settings.tf_inference_config, seal=True)
    return settings


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
        raise FileNotFoundError(error_text(f"{complaint}: {path}", expected="a scan file", hint=_absolute()))


def require_model(folder: Path) -> None:
    """Refuse what is neither a network for every scan nor a folder with a trained model; nothing is opened.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: There is no archive in it.
    """
    from ptycho.zoo.every_scan import find_network  # numpy, which trainings need not have to be planned

    if find_network(folder) is not None:
        return
    if not folder.exists():
        raise FileNotFoundError(
            error_text(
                f"Model directory not found: {folder}",
                expected="the run folder of a training",
                hint=_absolute(),
            )
        )
    archive = folder / BUNDLE_NAME if folder.is_dir() else folder
    if not archive.is_file():
        raise ValueError(
            error_text(
                f"Model archive not found: {archive}",
                expected=f"{BUNDLE_NAME} in the run folder of a finished training",
            )
        )


def _absolute() -> str:
    return f"an absolute path; this one is seen from {Path.cwd()}"


def on_device(resolution: Resolution, backend: str, machine: str | None = None) -> Resolution:
    """Put the device that 'auto' became on top of the story of the accelerator.

    Args:
        resolution: What was resolved.
        backend: The library that computes, and that is asked.
        machine: The device that 'auto' has already become; None looks for one.
    """
    if resolution["execution.accelerator"] != "auto":
        return resolution
    device = (
        Device(machine, "an execution configuration found it") if machine else settle_accelerator(backend)
    )
    origin = Origin("measured", "this machine", f"'auto' on this machine: {device.evidence}")
    values = {"execution.accelerator": device.accelerator}
    return resolution.with_layer(mapping.layer("measured", values, kind="measured", origin=lambda _: origin))
