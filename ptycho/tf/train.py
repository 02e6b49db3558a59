"""Train a network on a scan, from settings to the best weights."""

import logging
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import tensorflow as tf

from ptycho.scan.raw_data import RawData
from ptycho.settings.execution import PyTorchExecutionConfig
from ptycho.training.outcome import Best, Trained, closing_notes
from ptycho.training.preparation import Prepared
from ptycho.training.resume import Resumed, carry_over_best
from ptycho.training.schedule import check_name
from ptyconf.report import dump_toml

from .checkpoints import Checkpoint, read_checkpoint
from .loggers import make_loggers
from .loop import Beside, Loop
from .model import PtychoNetwork
from .module import plain_network
from .preparation import Job, prepare
from .strategy import Place, find_place
from .threads import choose_threads, take_threads
from .weights import export

logger = logging.getLogger(__name__)


def train(
    prepared: Prepared, scan: RawData, run_dir: Path, *, progress: bool | None = None
) -> Trained[PtychoNetwork]:
    """Train the network that the settings describe and hand back its best weights.

    Args:
        prepared: The configurations, such as `ptycho.run.settings.prepare_training` makes them.
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
    training, execution = prepared.tf_training_config, prepared.execution_config
    run_dir = Path(run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    check_name(execution.scheduler)
    earlier = None if training.resume is None else read_checkpoint(training.resume)
    choice = take_threads(
        choose_threads(execution.threads, deterministic=execution.deterministic, device=execution.accelerator)
    )
    place = find_place(execution)
    settle_determinism(execution, choice.threads)
    with _on(place):
        job = prepare(prepared, scan, place, None if earlier is None else earlier[0])
        job.notes.append(choice.note())
        for note in job.notes:
            logger.info("%s", note)
        loop = _make_loop(job, prepared, run_dir, earlier)
        show = execution.enable_progress_bar if progress is None else progress
        began = time.perf_counter()
        loop.run(training.nepochs, show=show)
        return _hand_back(job, loop, time.perf_counter() - began)


def settle_determinism(execution: PyTorchExecutionConfig, threads: int) -> None:
    """Make TensorFlow add up in one order only, for the rest of the process.

    On one CPU thread it does so anyway, and batches can then be gathered ahead of the training.
    """
    if execution.deterministic and (execution.accelerator != "cpu" or threads > 1):
        tf.config.experimental.enable_op_determinism()


def _on(place: Place) -> AbstractContextManager[object]:
    """Compute on the device of the place; a strategy chooses among several by itself."""
    return tf.device(place.devices[0]) if place.replicas == 1 else nullcontext()


def _make_loop(
    job: Job, prepared: Prepared, run_dir: Path, earlier: tuple[Resumed, Checkpoint] | None
) -> Loop:
    """Put everything beside the optimisation together, where an earlier training left it.

    Raises:
        ValueError: The checkpoint does not hold what this training learns.
    """
    execution = prepared.execution_config
    rows = None if earlier is None else earlier[0].history
    loggers = make_loggers(execution.logger_backend, run_dir, rows)
    beside = Beside.of(execution, job.plan.monitor, run_dir, loggers)
    loop = Loop(job, beside, run_dir, dump_toml(prepared.resolution))
    if earlier is not None:
        resumed, checkpoint = earlier
        carry_over_best(resumed.path, run_dir)
        loop.take_up(checkpoint)
    return loop


def _hand_back(job: Job, loop: Loop, seconds: float) -> Trained[PtychoNetwork]:
    best, epochs = loop.beside.best, job.plan.optimisation.epochs
    kept = None
    if best.epoch is not None and best.score is not None:
        kept = Best(best.epoch, job.plan.monitor, best.score)
    interrupted = loop.interruption.requested
    job.notes += closing_notes(kept, len(loop.history), epochs, interrupted=interrupted)
    weights = best.weights or export(job.module.network)
    return Trained(
        network=plain_network(job.plan.settings, weights),
        normalisation=job.plan.normalisation,
        history=loop.history,
        probe=weights["probe"].copy(),
        seconds=seconds,
        device=job.place.name,
        best_checkpoint=loop.beside.files.best if loop.beside.writes else None,
        best_epoch=best.epoch,
        decisions=job.notes,
        interrupted=interrupted,
    )
