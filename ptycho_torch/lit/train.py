"""Train a network on a scan, from settings to the best weights."""

import logging
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from ptycho.physics.illumination import orthogonal_modes
from ptycho.physics.scale import Normalisation, measure
from ptycho.raw_data import RawData
from ptycho_torch.nn.losses import LossWeights
from ptycho_torch.nn.model import PtychoNetwork
from ptycho_torch.nn.settings import NetworkSettings

from .callbacks import BestCheckpoint, BestWeights, Interruption, LastCheckpoint, early_stopping
from .data import Batch, Groups, Stored, loader_arguments, make_loader, store_frames
from .loggers import make_loggers
from .module import Optimisation, PtychoModule
from .progress import TrainingBar
from .resume import Resumed, carry_over_best, read_checkpoint
from .schedulers import check_name
from .split import Sampling, Split, split
from .threads import ThreadChoice, choose_threads, limited
from .trainer import device_of, make_trainer, precision_of, quiet, repeatable

logger = logging.getLogger(__name__)

Probe = NDArray[np.complex64]


@dataclass
class Trained:
    """What a training leaves.

    Attributes:
        network: With the weights of the best epoch, on the CPU, ready to reconstruct.
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

    network: PtychoNetwork
    normalisation: Normalisation
    history: list[dict[str, float]]
    probe: Probe
    seconds: float
    device: str
    best_checkpoint: Path | None
    best_epoch: int | None
    decisions: list[str]
    interrupted: bool = False


@dataclass
class _Job:
    """Everything that stands before the first step."""

    module: PtychoModule
    train: DataLoader[Batch]
    validation: DataLoader[Batch] | None
    monitor: str
    notes: list[str] = field(default_factory=list)


def train(payload: Any, scan: RawData, run_dir: Path, *, progress: bool | None = None) -> Trained:
    """Train the network that a payload describes and hand back its best weights.

    Args:
        payload: A TrainingPayload of `ptycho_torch.config_factory`.
        scan: What to learn from.
        run_dir: Folder for checkpoints and metrics; made when missing.
        progress: Show one progress bar; None asks `execution.enable_progress_bar`.

    Returns:
        The network with its best weights, and what happened on the way.

    Raises:
        ValueError: The settings, the scan or the checkpoint to resume from cannot be used.
        NonFiniteLossError: The loss stopped being a number.
        KeyboardInterrupt: Ctrl-C came twice.
    """
    training, execution = payload.tf_training_config, payload.execution_config
    run_dir = Path(run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    check_name(execution.scheduler)
    resumed = read_checkpoint(training.resume) if training.resume is not None else None
    with repeatable(training.seed):
        job = _prepare(payload, scan, resumed)
        choice = _choose_threads(job, execution)
        job.notes.append(f"{choice.threads} CPU thread{'s' * (choice.threads > 1)} ({choice.reason})")
        for note in job.notes:
            logger.info("%s", note)
        with limited(choice.threads):
            show = execution.enable_progress_bar if progress is None else progress
            return _fit(job, payload, run_dir, resumed, show=show)


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


def _prepare(payload: Any, scan: RawData, resumed: Resumed | None) -> _Job:
    training, execution = payload.tf_training_config, payload.execution_config
    settings = NetworkSettings.of(training.model, training)
    weights = LossWeights.of(training)
    _require_side(scan, settings)
    probe, notes = prepare_probe(scan, settings.probe_modes)
    normalisation = measure(scan.mean_square(), scan.N, scan.quantity, training.nphotons, probe)
    notes += normalisation.notes()
    if resumed is not None:
        resumed.require_same_network(settings.as_dict())
        resumed.require_epochs_left(training.nepochs)
        notes.append(f"the training resumes from {resumed.path} after {resumed.epochs} epochs")
    groups = split(scan.positions, Sampling.of(training, clamped=not _explicit_groups(payload)))
    monitor, more = _choose_monitor(execution.checkpoint_monitor_metric, groups, weights)
    notes += [*groups.notes, *more]
    watched = "val_loss" if len(groups.validation) else "train_loss"
    module = PtychoModule.fresh(
        settings,
        weights,
        _optimisation(training, execution, watched),
        normalisation,
        probe=normalisation.probe(probe),
        mask=scan.mask,
    )
    job = _Job(module, *_make_loaders(payload, scan, groups, normalisation, notes), monitor, notes)
    precision_note = precision_of(execution)[1]
    if precision_note:
        job.notes.append(precision_note)
    return job


def _require_side(scan: RawData, settings: NetworkSettings) -> None:
    if scan.N != settings.N:
        raise ValueError(
            f"the frames of {scan.source or 'the scan'} have {scan.N} x {scan.N} pixels, and model.N is "
            f"{settings.N}\n"
            f"  expected  frames of {settings.N} x {settings.N} pixels after data.crop_px and data.bin\n"
            f"  try       model.N = {scan.N}, or data.crop_px = {settings.N}"
        )


def _explicit_groups(payload: Any) -> bool:
    """Tell whether a user asked for this number of groups, or a default did."""
    resolution = getattr(payload, "resolution", None)
    if resolution is None:
        return True
    return not str(resolution.winner_layer("training.n_groups")).endswith("-defaults")


def _optimisation(training: Any, execution: Any, watched: str) -> Optimisation:
    return Optimisation(
        learning_rate=execution.learning_rate,
        scheduler=execution.scheduler,
        epochs=training.nepochs,
        watched=watched,
        probe_learning_rate=getattr(training, "probe_learning_rate", None),
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


def _make_loaders(
    payload: Any, scan: RawData, groups: Split, normalisation: Normalisation, notes: list[str]
) -> tuple[DataLoader[Batch], DataLoader[Batch] | None]:
    training, execution = payload.tf_training_config, payload.execution_config
    device = device_of(execution)
    used = np.unique(np.concatenate([groups.train.ravel(), groups.validation.ravel()]))
    stored: Stored = store_frames(scan, normalisation, used, device, workers=execution.num_workers)
    arguments, more = loader_arguments(execution, device)
    if stored.on_device and arguments.pop("pin_memory", False):
        more.append("execution.pin_memory has nothing to act on: the frames lie on the device")
    notes += [stored.note, *more]
    labelled = "labels" in _terms(LossWeights.of(training))
    first = Groups(scan, groups.train, stored.store, labelled=labelled)
    loader = make_loader(first, training.batch_size, arguments, shuffle_seed=training.seed)
    if not len(groups.validation):
        return loader, None
    second = Groups(scan, groups.validation, stored.store, labelled=labelled)
    return loader, make_loader(second, training.batch_size, arguments)


def _choose_threads(job: _Job, execution: Any) -> ThreadChoice:
    def step() -> None:
        batch = job.train.dataset.__getitems__(range(min(4, len(job.train.dataset))))  # type: ignore[attr-defined,arg-type]
        torch.autograd.backward(job.module.evaluate(batch)[0])
        job.module.zero_grad(set_to_none=True)

    return choose_threads(
        execution.threads,
        deterministic=execution.deterministic,
        device=device_of(execution).type,
        step=step,
    )


def _fit(job: _Job, payload: Any, run_dir: Path, resumed: Resumed | None, *, show: bool) -> Trained:
    training, execution = payload.tf_training_config, payload.execution_config
    mode = execution.checkpoint_mode
    interruption, best = Interruption(), BestWeights(job.monitor, mode)
    callbacks = [interruption, best, early_stopping(job.monitor, mode, execution.early_stop_patience)]
    best_file = None
    if execution.enable_checkpointing:
        best_file = BestCheckpoint(
            run_dir,
            monitor=job.monitor,
            mode=mode,
            top_k=execution.checkpoint_save_top_k,
            interruption=interruption,
        )
        callbacks += [best_file, LastCheckpoint(run_dir, interruption)]
    if show:
        callbacks.append(TrainingBar())
    rows = resumed.history if resumed is not None else None
    if resumed is not None:
        carry_over_best(resumed.path, run_dir)
    with quiet():
        trainer = make_trainer(
            execution,
            run_dir,
            epochs=training.nepochs,
            callbacks=callbacks,
            loggers=make_loggers(execution.logger_backend, run_dir, rows),
            show_progress=show,
        )
        began = time.perf_counter()
        _run(trainer, job, interruption, resumed)
        seconds = time.perf_counter() - began
    return _hand_back(job, trainer, best, best_file, interruption, seconds)


def _run(trainer: Any, job: _Job, interruption: Interruption, resumed: Resumed | None) -> None:
    """Let Lightning train; turn its exit on a second Ctrl-C back into KeyboardInterrupt."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        trainer.fit(
            job.module,
            job.train,
            job.validation,
            ckpt_path=None if resumed is None else resumed.path,
            weights_only=True,
        )
    except SystemExit as exit_request:
        if not isinstance(exit_request.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from None
    finally:
        interruption.release()


def _hand_back(
    job: _Job,
    trainer: Any,
    best: BestWeights,
    best_file: BestCheckpoint | None,
    interruption: Interruption,
    seconds: float,
) -> Trained:
    module = job.module
    device = str(trainer.strategy.root_device)
    module.to("cpu")
    if best.restore(module):
        job.notes.append(
            f"the weights are those of epoch {(best.epoch or 0) + 1} ({job.monitor} {best.score:.6g})"
        )
    if interruption.requested:
        job.notes.append(f"the training was interrupted in epoch {len(module.history)}")
    elif len(module.history) < module.optimisation.epochs:
        job.notes.append(f"the training stopped early after {len(module.history)} epochs")
    module.network.eval()
    path = best_file.best_model_path if best_file is not None else ""
    return Trained(
        network=module.network,
        normalisation=module.normalisation,
        history=module.history,
        probe=module.network.probe.detach().numpy().copy(),
        seconds=seconds,
        device=device,
        best_checkpoint=Path(path) if path else None,
        best_epoch=best.epoch,
        decisions=job.notes,
        interrupted=interruption.requested,
    )


def load_network(checkpoint: Path, device: str | torch.device = "cpu") -> PtychoNetwork:
    """Read the network out of a checkpoint; nothing else is needed, and no code of it runs."""
    with quiet():
        module = PtychoModule.load_from_checkpoint(checkpoint, map_location=device, weights_only=True)
    return module.network.eval()
