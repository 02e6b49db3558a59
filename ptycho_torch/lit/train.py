"""Train a network on a scan, from settings to the best weights."""

import logging
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback

from ptycho.scan.raw_data import RawData
from ptycho.settings.execution import PyTorchExecutionConfig
from ptycho.training.outcome import Best, Trained, closing_notes
from ptycho.training.preparation import Prepared
from ptycho.training.resume import Resumed, carry_over_best
from ptycho.training.schedule import check_name
from ptycho.training.threads import ThreadChoice
from ptycho_torch.nn.model import PtychoNetwork
from ptyconf.report import dump_toml

from .callbacks import (
    BestCheckpoint,
    BestWeights,
    LastCheckpoint,
    OrderlyEnd,
    early_stopping,
)
from .loggers import make_loggers
from .module import PtychoModule
from .preparation import Job, prepare
from .progress import TrainingBar
from .resume import read_checkpoint
from .threads import choose_threads, limited
from .trainer import device_of, enforce_determinism, make_trainer, quiet, repeatable

logger = logging.getLogger(__name__)


@dataclass
class Session:
    """A training that stands ready: what is learned, by whom, and what happens beside it.

    Attributes:
        job: Module, loaders, and what was decided.
        trainer: Lightning's, with every callback of ours; callers may append theirs before it runs.
        run_dir: Folder for checkpoints and metrics.
    """

    job: Job
    trainer: pl.Trainer
    run_dir: Path
    _prepared: Prepared
    _beside: "_Beside"
    _threads: int
    _resumed: Resumed | None

    def run(self) -> Trained[PtychoNetwork]:
        """Train, and hand back the best weights.

        Raises:
            NonFiniteLossError: The loss stopped being a number.
            KeyboardInterrupt: Ctrl-C came twice.
        """
        training, execution = self._prepared.tf_training_config, self._prepared.execution_config
        with (
            repeatable(training.seed, deterministic=execution.deterministic),
            limited(self._threads),
            quiet(),
        ):
            enforce_determinism(execution)
            began = time.perf_counter()
            _run(self.trainer, self.job, self._beside.end, self._resumed)
            seconds = time.perf_counter() - began
        return _hand_back(self.job, self.trainer, self._beside, seconds)


@dataclass
class _Beside:
    """The callbacks that are asked for something after the training."""

    end: OrderlyEnd
    best: BestWeights
    best_file: BestCheckpoint | None


def train(
    prepared: Prepared, scan: RawData, run_dir: Path, *, progress: bool | None = None
) -> Trained[PtychoNetwork]:
    """Train the network that the settings describe and hand back its best weights.

    Args:
        prepared: The configurations, such as a TrainingPayload of `ptycho_torch.config_factory`.
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
    return open_session(prepared, scan, run_dir, progress=progress).run()


def open_session(
    prepared: Prepared,
    scan: RawData,
    run_dir: Path,
    *,
    progress: bool | None = None,
    kind: type[PtychoModule] | None = None,
) -> Session:
    """Do everything that stands before the first step of `train`, which takes the same arguments.

    Args:
        prepared: The configurations.
        scan: What to learn from.
        run_dir: Folder for checkpoints and metrics; made when missing.
        progress: Show one progress bar; None asks `execution.enable_progress_bar`.
        kind: Class of the module; None takes `PtychoModule`.

    Raises:
        ValueError: The settings, the scan or the checkpoint to resume from cannot be used.
    """
    training, execution = prepared.tf_training_config, prepared.execution_config
    run_dir = Path(run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    check_name(execution.scheduler)
    resumed = read_checkpoint(training.resume) if training.resume is not None else None
    with repeatable(training.seed, deterministic=execution.deterministic):
        with limited(execution.threads or 1):
            job = prepare(prepared, scan, resumed, kind or PtychoModule)
            job.module.settings_toml = dump_toml(prepared.resolution)
        choice = _choose_threads(job, execution)
        job.notes.append(choice.note())
        for note in job.notes:
            logger.info("%s", note)
        show = execution.enable_progress_bar if progress is None else progress
        trainer, beside = _make_trainer(job, prepared, run_dir, resumed, show=show)
    return Session(job, trainer, run_dir, prepared, beside, choice.threads, resumed)


def _choose_threads(job: Job, execution: PyTorchExecutionConfig) -> ThreadChoice:
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


def _make_trainer(
    job: Job, prepared: Prepared, run_dir: Path, resumed: Resumed | None, *, show: bool
) -> tuple[pl.Trainer, _Beside]:
    training, execution = prepared.tf_training_config, prepared.execution_config
    mode = execution.checkpoint_mode
    end, best = OrderlyEnd(), BestWeights(job.monitor, mode)
    callbacks: list[Callback] = [
        end,
        best,
        early_stopping(job.monitor, mode, execution.early_stop_patience),
    ]
    best_file = None
    if execution.enable_checkpointing:
        best_file = BestCheckpoint(
            run_dir,
            monitor=job.monitor,
            mode=mode,
            top_k=execution.checkpoint_save_top_k,
            end=end,
        )
        callbacks += [best_file, LastCheckpoint(run_dir, end)]
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
    return trainer, _Beside(end, best, best_file)


def _run(trainer: Any, job: Job, end: OrderlyEnd, resumed: Resumed | None) -> None:
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
        end.release()


def _hand_back(job: Job, trainer: Any, beside: _Beside, seconds: float) -> Trained[PtychoNetwork]:
    best, end = beside.best, beside.end
    module = job.module
    device = str(trainer.strategy.root_device)
    module.to("cpu")
    kept = None
    if best.restore(module) and best.epoch is not None and best.score is not None:
        kept = Best(best.epoch, job.monitor, best.score)
    job.notes += closing_notes(
        kept, len(module.history), module.optimisation.epochs, interrupted=end.requested
    )
    module.network.eval()
    path = beside.best_file.best_model_path if beside.best_file is not None else ""
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
        interrupted=end.requested,
    )


def load_network(checkpoint: Path, device: str | torch.device = "cpu") -> PtychoNetwork:
    """Read the network out of a checkpoint; nothing else is needed, and no code of it runs."""
    with quiet():
        module = PtychoModule.load_from_checkpoint(checkpoint, map_location=device, weights_only=True)
    return module.network.eval()
