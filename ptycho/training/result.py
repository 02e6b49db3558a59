"""What a training leaves, whichever backend did it."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray

from ptycho.physics.scale import Normalisation
from ptycho.reconstruction.retrieved_picture import RetrievedPicture
from ptycho.scan.raw_data import RawData
from ptyconf import Origin, Resolution
from ptyconf.sources import mapping

from .epochs import BestWeights, EarlyStop
from .lights import ScanLight
from .plan import Plan
from .resume import EarlierTraining
from .trained_model import Model, Network

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingResult(Generic[Network]):
    """What a training leaves.

    Attributes:
        network: With the weights of the best epoch, ready to reconstruct.
        normalisation: Scales of the scan, which inference repeats.
        resolution: The settings with what was measured on the scan.
        history: One row for each epoch: epoch (from 0), losses and their terms, lr, intensity_scale, seconds.
        probe: Probe modes on the network's scale, shape (P, N, N), as learned.
        seconds: Time spent in the training loop.
        device: Where it ran.
        best_checkpoint: File of the best epoch, or None.
        best_epoch: Epoch of the weights (from 0), or None when none was finished.
        decisions: What was decided and why, one sentence each.
        lights: Probe and scales of each scan that it learned from.
        scans: Fingerprints of those scans.
        retrieved: Pictures that were retrieved with their probes.
        interrupted: Whether Ctrl-C ended it.
        epochs_left: Epochs that were asked for and that Ctrl-C kept from being finished.
    """

    network: Network
    normalisation: Normalisation
    resolution: Resolution
    history: list[dict[str, float]]
    probe: NDArray[np.complex64]
    seconds: float
    device: str
    best_checkpoint: Path | None
    best_epoch: int | None
    decisions: list[str]
    lights: tuple[ScanLight, ...] = ()
    scans: tuple[str, ...] = ()
    retrieved: tuple[RetrievedPicture, ...] = ()
    interrupted: bool = False
    epochs_left: int = 0

    @property
    def model(self) -> Model[Network]:
        """The network with its scales, as a bundle holds them, and with what was retrieved."""
        return Model(self.network, self.normalisation, self.retrieved)


@dataclass(frozen=True)
class LoopEnd:
    """How a training loop ended.

    Attributes:
        history: One row for each epoch.
        best: The best epoch.
        best_checkpoint: Its file, or None.
        seconds: Time spent in the loop.
        device: Where it ran.
        interrupted: Whether Ctrl-C ended it.
        cut_short: Whether the last epoch lacks batches.
        early_stop: The rule that ends it where nothing gets better.
    """

    history: list[dict[str, float]]
    best: BestWeights[Any]
    best_checkpoint: Path | None
    seconds: float
    device: str
    interrupted: bool
    cut_short: bool
    early_stop: EarlyStop

    def epochs_left(self, epochs: int) -> int:
        """Count the epochs that Ctrl-C kept from being finished.

        Args:
            epochs: Epochs that were asked for.
        """
        whole = len(self.history) - int(self.cut_short)
        return max(epochs - whole, 0) if self.interrupted and not self.early_stop.reached else 0

    def notes(self, epochs: int) -> list[str]:
        """Say which weights are kept, and why the training stopped before its last epoch.

        Args:
            epochs: Epochs that were asked for.
        """
        notes = [*filter(None, [self.best.note()])]
        n_epochs = len(self.history)
        if self.interrupted:
            notes.append(f"the training was interrupted in epoch {n_epochs}")
        elif n_epochs < epochs:
            why = f": {self.early_stop.reason()}" if self.early_stop.reached else ""
            notes.append(f"the training stopped early after {n_epochs} epochs{why}")
        return notes


def result_of(
    plan: Plan, end: LoopEnd, network: Network, probe: NDArray[np.complex64]
) -> TrainingResult[Network]:
    """Put together what a training leaves.

    Args:
        plan: What it was to do.
        end: How its loop ended.
        network: With the weights of the best epoch, ready to reconstruct.
        probe: Its modes, shape (P, N, N).
    """
    notes = end.notes(plan.optimisation.epochs)
    for note in notes:
        logger.info("%s", note)
    return TrainingResult(
        network=network,
        normalisation=plan.normalisation,
        resolution=_with_epochs(
            with_scales(plan.configurations.resolution, plan.normalisation, plan.scan), plan.earlier
        ),
        history=end.history,
        probe=probe,
        seconds=end.seconds,
        device=end.device,
        best_checkpoint=end.best_checkpoint,
        best_epoch=end.best.epoch,
        decisions=[*plan.notes, *notes],
        lights=plan.lights,
        scans=plan.scans,
        retrieved=plan.retrieved,
        interrupted=end.interrupted,
        epochs_left=end.epochs_left(plan.optimisation.epochs),
    )


def _with_epochs(resolution: Resolution, earlier: EarlierTraining | None) -> Resolution:
    """Let the settings tell of all epochs that the weights have seen, also where fewer were asked for."""
    if earlier is None or earlier.epochs <= int(resolution["training.nepochs"]):
        return resolution
    origin = Origin("measured", str(earlier.path), "epochs that were done before this run")
    values = {"training.nepochs": earlier.epochs}
    return resolution.with_layer(mapping.layer("measured", values, kind="measured", origin=lambda _: origin))


def with_scales(resolution: Resolution, normalisation: Normalisation, scan: RawData) -> Resolution:
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
