"""What a training leaves, whichever backend did it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ptycho.physics.scale import Normalisation
from ptyconf import Origin, Resolution
from ptyconf.sources import mapping

if TYPE_CHECKING:
    from ptycho.scan.raw_data import RawData

Network = TypeVar("Network")


@dataclass
class Trained(Generic[Network]):
    """What the training loop leaves.

    Attributes:
        network: With the weights of the best epoch, ready to reconstruct.
        normalisation: Scales of the scan, which inference repeats.
        history: One row for each epoch: epoch (from 0), losses and their terms, lr, intensity_scale, seconds.
        probe: Probe modes on the network's scale, shape (P, N, N), as learned.
        seconds: Time spent in the training loop.
        device: Where it ran.
        best_checkpoint: File of the best epoch, or None.
        best_epoch: Epoch of the weights (from 0), or None when none was finished.
        decisions: What was decided and why, one sentence each.
        interrupted: Whether Ctrl-C ended it.
    """

    network: Network
    normalisation: Normalisation
    history: list[dict[str, float]]
    probe: NDArray[np.complex64]
    seconds: float
    device: str
    best_checkpoint: Path | None
    best_epoch: int | None
    decisions: list[str]
    interrupted: bool = False


@dataclass(frozen=True)
class Model(Generic[Network]):
    """A network with the scales of the scan that it was trained on."""

    network: Network
    normalisation: Normalisation


@dataclass(frozen=True)
class Training(Generic[Network]):
    """What a training leaves for a run folder.

    Attributes:
        model: With the weights of the best epoch.
        resolution: The settings with what was measured on the scan.
        history: One row for each epoch.
        seconds: Time spent in the training loop.
        device: Where it ran.
        best_epoch: Epoch of the weights (from 0), or None when none was finished.
        decisions: What was decided and why, one sentence each.
        interrupted: Whether Ctrl-C ended it.
    """

    model: Model[Network]
    resolution: Resolution
    history: list[dict[str, float]]
    seconds: float
    device: str
    best_epoch: int | None
    decisions: list[str]
    interrupted: bool


@dataclass(frozen=True)
class Best:
    """The epoch whose weights are kept.

    Attributes:
        epoch: Counted from 0.
        monitor: Metric that ranks epochs.
        score: Its value there.
    """

    epoch: int
    monitor: str
    score: float


def closing_notes(best: Best | None, done: int, epochs: int, *, interrupted: bool) -> list[str]:
    """Say how a training ended: which weights are kept, and why it stopped before its last epoch.

    Args:
        best: The epoch whose weights are kept, or None when none was finished.
        done: Epochs in the history.
        epochs: Epochs that were asked for.
        interrupted: Whether Ctrl-C ended it.
    """
    notes = []
    if best is not None:
        notes.append(f"the weights are those of epoch {best.epoch + 1} ({best.monitor} {best.score:.6g})")
    if interrupted:
        notes.append(f"the training was interrupted in epoch {done}")
    elif done < epochs:
        notes.append(f"the training stopped early after {done} epochs")
    return notes


def leave(trained: Trained[Network], resolution: Resolution, scan: "RawData") -> Training[Network]:
    """Turn what the loop left into what a run folder is made of."""
    return Training(
        model=Model(trained.network, trained.normalisation),
        resolution=with_scales(resolution, trained.normalisation, scan),
        history=trained.history,
        seconds=trained.seconds,
        device=trained.device,
        best_epoch=trained.best_epoch,
        decisions=trained.decisions,
        interrupted=trained.interrupted,
    )


def with_scales(resolution: Resolution, normalisation: Normalisation, scan: "RawData") -> Resolution:
    """Put the scales of the scan on top of what the settings said; amplitudes leave the photons as set."""
    measured: dict[str, Any] = {"model.intensity_scale": normalisation.intensity_scale}
    how = "from the photons of a frame, which amplitudes do not tell"
    if normalisation.quantity == "counts":
        measured["training.nphotons"] = normalisation.nphotons
        how = "mean counts of the frames"
    source = None if scan.source is None else str(scan.source)
    origin = Origin("measured", source or "arrays in memory", how, file=source)
    layer = mapping.layer("measured", measured, kind="measured", origin=lambda _: origin)
    return resolution.with_layer(layer)
