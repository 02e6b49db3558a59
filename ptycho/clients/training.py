"""A client's training: settings from its configuration, frames from its scan, nothing left on the disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.clients.configuration import resolve_training
from ptycho.clients.container import PtychoDataContainer
from ptycho.clients.predictor import Predictor, remember
from ptycho.reconstruction.picture import require_fitting
from ptycho.run.settings import TrainingSettings, on_device
from ptycho.scan.raw_data import RawData
from ptycho.settings import legacy_dict as params
from ptycho.settings.legacy import publish
from ptycho.training.plan import WatchedFolder
from ptyconf import set_fields
from ptyconf.errors import error_text
from ptyconf.sources import mapping

if TYPE_CHECKING:
    from ptycho.backends.base import Library, Training
    from ptycho.bundle.archive import Bundle
    from ptycho.settings.execution import PyTorchExecutionConfig
    from ptycho.settings.training import TrainingConfig

__all__ = ["StitchOptions", "scan_of", "stitch", "train"]

Results = dict[str, Any]


@dataclass(frozen=True)
class StitchOptions:
    """How the coordinates of a scan lie relative to its frames, and how much of each patch is stitched.

    Attributes:
        flip_x: Columns count the other way.
        flip_y: Rows count the other way.
        transpose: The patches are to be transposed before they are stitched.
        M: Side of the central square of each patch that is stitched, in pixels; None takes all that is lit.
    """

    flip_x: bool = False
    flip_y: bool = False
    transpose: bool = False
    M: int | None = None

    def require_part_of(self, N: int) -> None:
        """Accept a central square that is part of patches of N x N pixels.

        Raises:
            ValueError: It is none.
        """
        if self.M is not None and not 0 < self.M <= N:
            raise ValueError(
                error_text(
                    f"M = {self.M} is no side of a central part of patches of {N} x {N} pixels",
                    expected=f"1 to {N}",
                    hint=f"M = {min(20, N)}",
                )
            )


def scan_of(data: RawData | PtychoDataContainer, what: str) -> RawData:
    """Give the scan that a client handed over.

    Args:
        data: A scan, or groups of one.
        what: What the caller calls it.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(data, PtychoDataContainer):
        return data.scan()
    if isinstance(data, RawData):
        return data
    raise TypeError(
        error_text(
            f"{what} is {type(data).__module__}.{type(data).__qualname__}",
            expected="a RawData of ptycho.raw_data, or a PtychoDataContainer of ptycho.loader",
            hint="RawData.from_file(path), or load_data(path)",
        )
    )


def train(
    library: Library,
    scan: RawData,
    test: RawData | None,
    config: TrainingConfig,
    execution_config: PyTorchExecutionConfig | None = None,
) -> Results:
    """Train on a scan; `params.cfg` then holds what was in force, and the intensity scale.

    Args:
        library: Who trains.
        scan: What is learned from; a share of it is held out to judge the epochs.
        test: A scan to reconstruct later; refused now if it does not fit.
        config: The caller's configuration.
        execution_config: How the run is carried out.

    Returns:
        history (a list for each column of metrics.csv), backend, model (predicts patches), resolution
        (every setting with its origin), and what the training says of itself: best_epoch, seconds, device,
        decisions, interrupted.

    Raises:
        ConfigError: Everything that is wrong with the settings.
        ValueError: Settings and scans do not go together.
    """
    resolution = resolve_training(config, scan, execution_config, backend=library.name)
    resolution = on_device(resolution, library.name, _device_of(execution_config, library))
    settings = TrainingSettings.of(resolution)
    if test is not None:
        require_fitting(test, settings.tf_training_config.model.N, 0)
    publish(settings.tf_training_config)
    # The folder is named in settings and messages; what a client wants as files it saves itself.
    folder = WatchedFolder(Path(settings.tf_training_config.output_dir), written=False)
    training = library.load().train(settings, scan, folder)
    predictor = remember(_predictor(library, training))
    params.set("intensity_scale", predictor.intensity_scale)
    return {
        "history": columns_of(training.history),
        "backend": library.name,
        "model": predictor,
        "resolution": training.resolution,
        "best_epoch": training.best_epoch,
        "seconds": training.seconds,
        "device": training.device,
        "decisions": list(training.decisions),
        "interrupted": training.interrupted,
        "training": training,
    }


def stitch(library: Library, results: Results, scan: RawData, options: StitchOptions) -> Results:
    """Reconstruct a scan with the network that a training left, as ``ptycho infer`` does.

    Args:
        library: Who trained.
        results: What `train` gave.
        scan: What to reconstruct.
        options: How its coordinates lie, and how much of each patch counts.

    Returns:
        amplitude and phase, shape (H, W), zero where nothing was scanned, and reconstruction: the picture
        with everything that is needed to judge it.

    Raises:
        ValueError: The scan does not fit the network.
    """
    training: Training = results["training"]
    resolution = training.resolution
    if options.M is not None:
        trim = {"execution.middle_trim": (scan.N - options.M) // 2}
        resolution = resolution.with_layer(mapping.layer("overrides", trim, label="M"))
    reconstruction = library.load().reconstruct(training.model, resolution, _oriented(scan, options))
    picture = reconstruction.object.T if options.transpose else reconstruction.object
    return {"amplitude": np.abs(picture), "phase": np.angle(picture), "reconstruction": reconstruction}


def _oriented(scan: RawData, options: StitchOptions) -> RawData:
    """Lay the frames where the caller says that they lie.

    Transposed patches at [x, y] are the transpose of the patches at [y, x].
    """
    sign = np.where([options.flip_x, options.flip_y], -1.0, 1.0)
    if not options.transpose and np.all(sign > 0):
        return scan
    positions = scan.positions * sign
    return scan.at_positions(positions[:, ::-1] if options.transpose else positions)


def columns_of(history: list[dict[str, float]]) -> dict[str, list[float]]:
    """Turn rows into columns; a value that an epoch lacks is NaN."""
    names = list(dict.fromkeys(name for row in history for name in row))
    return {name: [row.get(name, float("nan")) for row in history] for name in names}


def _predictor(library: Library, training: Training) -> Predictor:
    backend = library.load()

    def pack(home: Path) -> Bundle:
        return backend.pack(training.model, training.resolution, home)

    return Predictor(library.name, backend, training.model, pack)


def _device_of(execution_config: PyTorchExecutionConfig | None, library: Library) -> str | None:
    """Take the device that an execution configuration found for its own library when it was made."""
    if execution_config is None or not library.settles_execution_config:
        return None
    if "accelerator" in set_fields(execution_config):
        return None
    return execution_config.accelerator
