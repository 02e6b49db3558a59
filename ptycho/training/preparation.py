"""Everything that stands before the first step of a training: probe, scales, groups, frames, metrics."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ptycho.network.objective import LossWeights
from ptycho.network.settings import NetworkSettings
from ptycho.physics.illumination import orthogonal_modes
from ptycho.physics.scale import KEPT_RATIO, Normalisation, measure
from ptycho.scan.frame_store import FrameArray, Indices, Stored, store_frames
from ptycho.scan.grouping import require_overlap
from ptycho.scan.raw_data import RawData
from ptycho.settings.effect import settings_without_effect
from ptycho.settings.execution import PyTorchExecutionConfig
from ptycho.settings.training import TrainingConfig
from ptyconf import Resolution

from .optimisation import Optimisation
from .resume import Resumed
from .split import Sampling, Split, split

logger = logging.getLogger(__name__)

Probe = NDArray[np.complex64]


class Prepared(Protocol):
    """The configurations of a training, as the factories of either backend make them."""

    @property
    def tf_training_config(self) -> TrainingConfig:
        """What the run reads, minimises and writes."""
        ...

    @property
    def execution_config(self) -> PyTorchExecutionConfig:
        """How it is carried out."""
        ...

    @property
    def resolution(self) -> Resolution:
        """Where every value came from."""
        ...


@dataclass(frozen=True)
class ProbeTask:
    """What a backend is asked to retrieve a probe from.

    Attributes:
        frames: Gives normalised amplitudes by index into the positions.
        positions: Patch centres [x, y] in pixels, shape (n, 2).
        probe: Modes to start from on the network's scale, shape (P, N, N).
        sweeps: Times that all frames are visited.
        mask: True where a detector pixel is good, shape (N, N), or None.
        seed: Seed of the order of the frames.
    """

    frames: Callable[[Indices], FrameArray]
    positions: NDArray[np.float64]
    probe: Probe
    sweeps: int
    mask: NDArray[np.bool_] | None
    seed: int


Retrieve = Callable[[ProbeTask], tuple[Probe, list[float]]]
"""Retrieves a probe; gives its modes and the misfit of each sweep."""


@dataclass
class Plan:
    """Everything that is settled before a network is made.

    Attributes:
        settings: Shape of the network.
        weights: What is minimised.
        optimisation: How.
        normalisation: Scales of the scan.
        probe: Modes on the network's scale, shape (P, N, N).
        scan: The scan, at the positions that are used.
        groups: Which frames train, and which judge.
        stored: Gives normalised frames.
        monitor: Metric that ranks epochs.
        seed: Seed of the weights and of the order.
        phase_subtraction: Remove the mean phase of each group's labels.
        notes: What was decided, one sentence each.
    """

    settings: NetworkSettings
    weights: LossWeights
    optimisation: Optimisation
    normalisation: Normalisation
    probe: Probe
    scan: RawData
    groups: Split
    stored: Stored
    monitor: str
    seed: int = 0
    phase_subtraction: bool = True
    notes: list[str] = field(default_factory=list)


def make_plan(prepared: Prepared, scan: RawData, resumed: Resumed | None, retrieve: Retrieve) -> Plan:
    """Turn settings and scan into a plan, deciding what is left open.

    Args:
        prepared: The configurations.
        scan: What to learn from.
        resumed: What the checkpoint says that the training continues from.
        retrieve: Retrieves the probe before the network relies on it.

    Raises:
        ValueError: Settings, scan or checkpoint do not belong together.
    """
    training, execution = prepared.tf_training_config, prepared.execution_config
    settings = NetworkSettings.of(training.model, training)
    weights = LossWeights.of(training)
    _require_side(scan, settings)
    if settings.model_type == "supervised":
        scan.labels([0])  # Says that there are none before any work is done.
    scan, notes = _place(scan, training)
    notes += settings_without_effect("train", prepared.resolution)
    if resumed is not None:
        resumed.require_same_network(settings.as_dict())
        resumed.require_epochs_left(training.nepochs)
    probe, normalisation, more = _measure(prepared, scan)
    notes = [*more, *notes]
    groups = split(
        scan.positions, Sampling.of(training, clamped=not _is_explicit(prepared, "training.n_groups"))
    )
    monitor, more = _choose_monitor(execution.checkpoint_monitor_metric, groups, weights)
    notes += [*groups.notes, *more, *_overlap(scan, groups)]
    used = np.unique(np.concatenate([groups.train.ravel(), groups.validation.ravel()]))
    stored = store_frames(scan, normalisation.amplitude_factor, used)
    notes.append(stored.note)
    if resumed is not None:
        notes.append(f"the training resumes from {resumed.path} after {resumed.epochs} epochs")
    elif training.probe_warmup_epochs > 0:
        probe, note = warm_up(probe, scan, groups, stored, training, retrieve)
        notes.append(note)
    return Plan(
        settings=settings,
        weights=weights,
        optimisation=Optimisation.of(
            training, execution, "val_loss" if len(groups.validation) else "train_loss"
        ),
        normalisation=normalisation,
        probe=probe,
        scan=scan,
        groups=groups,
        stored=stored,
        monitor=monitor,
        seed=training.seed,
        phase_subtraction=bool(prepared.resolution["data.phase_subtraction"]),
        notes=notes,
    )


def prepare_probe(scan: RawData, modes: int) -> tuple[Probe, list[str]]:
    """Give the scan's probe as many modes as the model has, on the file's scale.

    Args:
        scan: Has a probe.
        modes: Incoherent modes of the model.

    Returns:
        Modes, shape (modes, N, N), and what was decided.

    Raises:
        ValueError: The scan has no probe.
    """
    given = scan.probe_modes
    if given is None:
        raise ValueError(
            f"{scan.source or 'the scan'} has no probe\n"
            "  expected  probeGuess, complex, of shape (N, N) or (P, N, N)\n"
            "  try       a scan file with probeGuess, an estimate will do"
        )
    probe = np.asarray(given, np.complex64)
    if len(probe) > modes:
        return probe[:modes], [f"the first {modes} of the file's {len(probe)} probe modes are used"]
    if len(probe) < modes:
        grown = orthogonal_modes(probe, modes).astype(np.complex64)
        return grown, [f"{modes - len(probe)} weak orthogonal probe modes join the file's {len(probe)}"]
    return probe, []


def _measure(prepared: Prepared, scan: RawData) -> tuple[Probe, Normalisation, list[str]]:
    """Find the probe on the network's scale and the scales of the scan."""
    training = prepared.tf_training_config
    probe, notes = prepare_probe(scan, training.model.probe_modes)
    normalisation = measure(scan.mean_square(), scan.N, scan.quantity, _dose(prepared, scan), probe)
    if _is_explicit(prepared, "model.probe_scale"):
        normalisation = divide_probe(normalisation, training.model.probe_scale)
    check_probe_energy(normalisation)
    return normalisation.probe(probe), normalisation, [*notes, *normalisation.notes()]


def _dose(prepared: Prepared, scan: RawData) -> float | None:
    """Give the photons of a frame that the settings ask for: as such, or by the intensity scale.

    Counts measure the dose themselves; only a dose that a user gave is worth a word when it differs.

    Raises:
        ValueError: Both are set, and they contradict each other.
    """
    nphotons = prepared.tf_training_config.nphotons
    given = _is_explicit(prepared, "training.nphotons")
    if not _is_explicit(prepared, "model.intensity_scale"):
        return nphotons if given or scan.quantity == "amplitude" else None
    scale = float(prepared.resolution["model.intensity_scale"])
    asked = (scale * scan.N / 2) ** 2
    by_user = given and prepared.resolution.winner_layer("training.nphotons") != "data-file"
    if scan.quantity == "counts":
        return nphotons if by_user else asked
    if by_user and not math.isclose(asked, nphotons, rel_tol=0.01):
        fitting = math.sqrt(nphotons) / (scan.N / 2)
        raise ValueError(
            f"model.intensity_scale = {scale:g} means {asked:.4g} photons a frame, and training.nphotons is "
            f"{nphotons:.4g}\n"
            "  expected  one of the two, or two that agree\n"
            f"  try       model.intensity_scale left out, or {fitting:.6g}"
        )
    return asked


def _place(scan: RawData, training: TrainingConfig) -> tuple[RawData, list[str]]:
    """Lay the frames at their measured positions, or at the nominal ones where none were measured."""
    if training.positions_provided:
        return scan, []
    alike = np.array_equal(scan.positions, scan.nominal_positions)
    which = "the only ones that the scan has" if alike else "not the measured ones"
    return scan.at_nominal_positions(), [
        f"the nominal positions are used, {which} (training.positions_provided = false)"
    ]


def warm_up(
    probe: Probe, scan: RawData, groups: Split, stored: Stored, training: TrainingConfig, retrieve: Retrieve
) -> tuple[Probe, str]:
    """Retrieve the probe from the training frames alone, before the network relies on it.

    Args:
        probe: Modes to start from on the network's scale, shape (P, N, N).
        scan: Gives positions and mask.
        groups: Names the training frames.
        stored: Gives frames.
        training: Says how many sweeps, and from which seed.
        retrieve: Does the work.

    Returns:
        The retrieved modes, and what came of it.
    """
    used = np.unique(groups.train)
    logger.info("retrieving the probe in %d sweeps", training.probe_warmup_epochs)
    began = time.perf_counter()
    found, misfits = retrieve(
        ProbeTask(
            frames=lambda rows: stored.store.frames(used[rows]),
            positions=scan.positions[used],
            probe=probe,
            sweeps=training.probe_warmup_epochs,
            mask=scan.mask,
            seed=training.seed,
        )
    )
    return found, (
        f"the probe was retrieved from {len(used)} training frames in {len(misfits)} sweeps "
        f"({time.perf_counter() - began:.1f} s): misfit {misfits[0]:.3g} to {misfits[-1]:.3g}"
    )


def _overlap(scan: RawData, groups: Split) -> list[str]:
    """Say where groups of the training share nothing; refuse a scan without any overlap."""
    note = require_overlap(scan.positions, groups.train, scan.N)
    return [] if note is None else [note]


def _require_side(scan: RawData, settings: NetworkSettings) -> None:
    if scan.N != settings.N:
        crop = f", or data.crop_px = {settings.N}" if settings.N < scan.N else ""
        raise ValueError(
            f"the frames of {scan.source or 'the scan'} have {scan.N} x {scan.N} pixels, and model.N is "
            f"{settings.N}\n"
            f"  expected  frames of {settings.N} x {settings.N} pixels after data.crop_px and data.bin\n"
            f"  try       model.N = {scan.N}{crop}"
        )


def _is_explicit(prepared: Prepared, path: str) -> bool:
    """Tell whether a user gave this setting, or a default did."""
    return not str(prepared.resolution.winner_layer(path)).endswith("-defaults")


def divide_probe(normalisation: Normalisation, divisor: float) -> Normalisation:
    """Make the network's probe weaker by a factor in amplitude, as `model.probe_scale` asks."""
    return replace(
        normalisation,
        probe_factor=normalisation.probe_factor / divisor,
        energy_ratio=normalisation.energy_ratio / divisor**2,
        probe_scale_kept=False,
    )


def check_probe_energy(normalisation: Normalisation) -> None:
    """Warn of a probe with which no bounded object explains the data: the image would turn constant."""
    low, high = KEPT_RATIO
    if not low <= normalisation.energy_ratio <= high:
        logger.warning(
            "the probe has %.3g times the energy of a mean frame, where %g to %g lets an object amplitude "
            "between 0 and 1 explain the data: the image may turn constant (model.probe_scale)",
            normalisation.energy_ratio,
            low,
            high,
        )


def _choose_monitor(name: str, groups: Split, weights: LossWeights) -> tuple[str, list[str]]:
    """Find the metric that ranks epochs; without held-out frames the training loss stands in."""
    known = [f"{stage}_{term}" for stage in ("train", "val") for term in ("loss", *weights.terms())]
    if name not in known:
        raise ValueError(
            f"checkpoint_monitor_metric '{name}' is none of the metrics of this training\n"
            f"  expected  one of {', '.join(known)}\n"
            '  try       execution.checkpoint_monitor_metric = "val_loss"'
        )
    if name.startswith("val_") and not len(groups.validation):
        stand_in = "train_" + name.removeprefix("val_")
        return stand_in, [f"nothing is held out: {stand_in} ranks the epochs in place of {name}"]
    return name, []
