"""Everything that stands before the first step of a training: probe, scales, groups, loaders, metrics."""

import logging
import math
import time
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from ptycho.config.config import PyTorchExecutionConfig, TrainingConfig
from ptycho.config.idle import idle_settings
from ptycho.network.objective import LossWeights
from ptycho.network.settings import NetworkSettings
from ptycho.physics.illumination import orthogonal_modes
from ptycho.physics.scale import KEPT_RATIO, Normalisation, measure
from ptycho.raw_data import RawData
from ptycho_torch.config_factory import TrainingPayload
from ptycho_torch.nn.iteration import Steps
from ptycho_torch.nn.probe_retrieval import retrieve_probe

from .data import Batch, Groups, Stored, loader_arguments, make_loader, store_frames
from .module import Optimisation, PtychoModule
from .resume import Resumed
from .split import Sampling, Split, split
from .trainer import device_of, precision_of

logger = logging.getLogger(__name__)

Probe = NDArray[np.complex64]
Loader = DataLoader[Batch]


@dataclass
class Job:
    """Everything that stands before the first step."""

    module: PtychoModule
    train: Loader
    validation: Loader | None
    monitor: str
    notes: list[str] = field(default_factory=list)


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


def prepare(payload: TrainingPayload, scan: RawData, resumed: Resumed | None) -> Job:
    """Turn settings and scan into a module with fresh weights and its loaders, deciding what is left open.

    Raises:
        ValueError: Settings, scan or checkpoint do not belong together.
    """
    training, execution = payload.tf_training_config, payload.execution_config
    settings = NetworkSettings.of(training.model, training)
    weights = LossWeights.of(training)
    _require_side(scan, settings)
    scan, idle = _place(scan, training)
    idle += idle_settings("train", payload.resolution)
    if resumed is not None:
        resumed.require_same_network(settings.as_dict())
        resumed.require_epochs_left(training.nepochs)
    probe, normalisation, notes = _measure(payload, scan)
    groups = split(
        scan.positions, Sampling.of(training, clamped=not _is_explicit(payload, "training.n_groups"))
    )
    monitor, more = _choose_monitor(execution.checkpoint_monitor_metric, groups, weights)
    notes += [*idle, *groups.notes, *more]
    stored = _store(payload, scan, groups, normalisation)
    notes.append(stored.note)
    if resumed is not None:
        notes.append(f"the training resumes from {resumed.path} after {resumed.epochs} epochs")
    elif training.probe_warmup_epochs > 0:
        probe, note = warm_up(probe, scan, groups, stored, payload)
        notes.append(note)
    watched = "val_loss" if len(groups.validation) else "train_loss"
    optimisation = _optimisation(training, execution, watched)
    module = PtychoModule.fresh(settings, weights, optimisation, normalisation, probe=probe, mask=scan.mask)
    loaders, more = _make_loaders(payload, scan, groups, stored)
    notes += [*more, *filter(None, [precision_of(execution)[1]])]
    return Job(module, *loaders, monitor, notes)


def _measure(payload: TrainingPayload, scan: RawData) -> tuple[Probe, Normalisation, list[str]]:
    """Find the probe on the network's scale and the scales of the scan."""
    training = payload.tf_training_config
    probe, notes = prepare_probe(scan, training.model.probe_modes)
    normalisation = measure(scan.mean_square(), scan.N, scan.quantity, _dose(payload, scan), probe)
    if _is_explicit(payload, "model.probe_scale"):
        normalisation = divide_probe(normalisation, training.model.probe_scale)
    check_probe_energy(normalisation)
    return normalisation.probe(probe), normalisation, [*notes, *normalisation.notes()]


def _dose(payload: TrainingPayload, scan: RawData) -> float | None:
    """Give the photons of a frame that the settings ask for: as such, or by the intensity scale.

    Counts measure the dose themselves; only a dose that a user gave is worth a word when it differs.

    Raises:
        ValueError: Both are set, and they contradict each other.
    """
    nphotons = payload.tf_training_config.nphotons
    given = _is_explicit(payload, "training.nphotons")
    if not _is_explicit(payload, "model.intensity_scale"):
        return nphotons if given or scan.quantity == "amplitude" else None
    scale = payload.pt_model_config.intensity_scale
    asked = (scale * scan.N / 2) ** 2
    by_user = given and payload.resolution.winner_layer("training.nphotons") != "data-file"
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
    probe: Probe, scan: RawData, groups: Split, stored: Stored, payload: TrainingPayload
) -> tuple[Probe, str]:
    """Retrieve the probe from the training frames alone, before the network relies on it.

    Args:
        probe: Modes to start from on the network's scale, shape (P, N, N).
        scan: Gives positions and mask.
        groups: Names the training frames.
        stored: Gives frames.
        payload: Says how many sweeps, from which seed, and where.

    Returns:
        The retrieved modes, and what came of it.
    """
    training, device = payload.tf_training_config, device_of(payload.execution_config)
    used = np.unique(groups.train)
    logger.info("retrieving the probe in %d sweeps", training.probe_warmup_epochs)
    began = time.perf_counter()
    found = retrieve_probe(
        lambda rows: stored.store.frames(used[rows]),
        scan.positions[used],
        probe,
        sweeps=training.probe_warmup_epochs,
        mask=scan.mask,
        steps=Steps(seed=training.seed),
        device=device,
    )
    return found.probe, (
        f"the probe was retrieved from {len(used)} training frames in {len(found.misfits)} sweeps "
        f"({time.perf_counter() - began:.1f} s): misfit {found.misfits[0]:.3g} to {found.misfits[-1]:.3g}"
    )


def _require_side(scan: RawData, settings: NetworkSettings) -> None:
    if scan.N != settings.N:
        raise ValueError(
            f"the frames of {scan.source or 'the scan'} have {scan.N} x {scan.N} pixels, and model.N is "
            f"{settings.N}\n"
            f"  expected  frames of {settings.N} x {settings.N} pixels after data.crop_px and data.bin\n"
            f"  try       model.N = {scan.N}{_or_crop(scan, settings.N)}"
        )


def _or_crop(scan: RawData, side: int) -> str:
    return f", or data.crop_px = {side}" if side < scan.N else ""


def _is_explicit(payload: TrainingPayload, path: str) -> bool:
    """Tell whether a user gave this setting, or a default did."""
    return not str(payload.resolution.winner_layer(path)).endswith("-defaults")


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


def _optimisation(training: TrainingConfig, execution: PyTorchExecutionConfig, watched: str) -> Optimisation:
    return Optimisation(
        learning_rate=execution.learning_rate,
        scheduler=execution.scheduler,
        epochs=training.nepochs,
        watched=watched,
        probe_learning_rate=training.probe_learning_rate,
        gradient_clip_val=execution.gradient_clip_val,
        gradient_clip_algorithm=execution.gradient_clip_algorithm,
    )


def _choose_monitor(name: str, groups: Split, weights: LossWeights) -> tuple[str, list[str]]:
    """Find the metric that ranks epochs; without held-out frames the training loss stands in."""
    known = [f"{stage}_{term}" for stage in ("train", "val") for term in ("loss", *_terms(weights))]
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


def _terms(weights: LossWeights) -> list[str]:
    if weights.supervised:
        return ["labels"]
    present = {
        "nll": weights.nll,
        "mae": weights.mae,
        "tv": weights.realspace,
        "labels": weights.realspace * weights.realspace_mae,
    }
    return [name for name, weight in present.items() if weight]


def _store(payload: TrainingPayload, scan: RawData, groups: Split, normalisation: Normalisation) -> Stored:
    execution = payload.execution_config
    used = np.unique(np.concatenate([groups.train.ravel(), groups.validation.ravel()]))
    device = device_of(execution)
    return store_frames(scan, normalisation.amplitude_factor, used, device, workers=execution.num_workers)


def _make_loaders(
    payload: TrainingPayload, scan: RawData, groups: Split, stored: Stored
) -> tuple[tuple[Loader, Loader | None], list[str]]:
    training, execution = payload.tf_training_config, payload.execution_config
    arguments, notes = loader_arguments(execution, device_of(execution))
    if stored.on_device and arguments.pop("pin_memory", False):
        notes.append("execution.pin_memory has nothing to act on: the frames lie on the device")
    labelled = "labels" in _terms(LossWeights.of(training))
    free = payload.pt_data_config.phase_subtraction
    first = Groups(scan, groups.train, stored.store, labelled=labelled, phase_subtraction=free)
    loader = make_loader(first, training.batch_size, arguments, shuffle_seed=training.seed)
    if not len(groups.validation):
        return (loader, None), notes
    second = Groups(scan, groups.validation, stored.store, labelled=labelled, phase_subtraction=free)
    return (loader, make_loader(second, training.batch_size, arguments)), notes
