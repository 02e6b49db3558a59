"""Train a network with TensorFlow, from settings to the best weights."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import tensorflow as tf

from ptycho.network.precision import settle_precision
from ptycho.scan.raw_data import RawData
from ptycho.settings.execution import PyTorchExecutionConfig
from ptycho.training.plan import Plan, TrainingConfigurations, WatchedFolder, make_plan, open_run_folder
from ptycho.training.result import TrainingResult, result_of
from ptycho.training.threads import choose_threads

from .checkpoints import read_checkpoint
from .data import make_sources
from .devices import DevicePlacement, find_place
from .iteration import TensorFlowSweeps
from .loop import Loop
from .model import PtychoNetwork
from .module import Arithmetic, PtychoModule, network_of
from .threads import every_core, take_threads
from .weights import export


def train(
    configurations: TrainingConfigurations,
    scan: RawData,
    run_dir: Path | WatchedFolder,
    *,
    progress: bool | None = None,
) -> TrainingResult[PtychoNetwork]:
    """Train, and rebuild the network in single precision from its best weights.

    Args:
        configurations: Such as `ptycho.run` makes them.
        scan: What to learn from.
        run_dir: Made when missing.
        progress: Show one progress bar; None asks `execution.enable_progress_bar`.

    Raises:
        ValueError: The settings, the scan or the checkpoint to resume from cannot be used; what ends the
            epochs early is told by `Loop.run`.
    """
    loop = open_loop(configurations, scan, run_dir)
    with _on(loop.place):
        end = loop.run(
            show=configurations.execution_config.enable_progress_bar if progress is None else progress
        )
        weights = loop.best.weights or export(loop.module.network)
        network = network_of(loop.plan.settings, weights)
        return result_of(loop.plan, end, network, weights["probe"].copy())


def open_loop(configurations: TrainingConfigurations, scan: RawData, run_dir: Path | WatchedFolder) -> Loop:
    """Do everything that stands before the first step of `train`, which takes the same arguments.

    Threads come first, then the devices: TensorFlow keeps both as they are when it makes its first tensor.
    """
    execution = configurations.execution_config
    folder = open_run_folder(configurations, run_dir, read_checkpoint)
    wanted = choose_threads(
        execution.threads,
        deterministic=execution.deterministic,
        device=execution.accelerator,
        otherwise=every_core,
    )
    threads = take_threads(wanted)
    place = find_place(execution)
    enforce_determinism(execution, threads.threads)
    with _on(place):
        sweeps = TensorFlowSweeps.on(place.devices[0], execution.threads)
        return _make_loop(make_plan(configurations, scan, folder, sweeps), place, threads.note())


def _make_loop(plan: Plan, place: DevicePlacement, threads_note: str) -> Loop:
    precision, coarser = settle_precision(plan.execution)
    module = PtychoModule.fresh(plan, place, Arithmetic(precision, plan.execution.accum_steps))
    train, validation, notes = make_sources(plan, place)
    plan.conclude(*notes, coarser, place.note, threads_note)
    return Loop(plan, place, module, train, validation)


def enforce_determinism(execution: PyTorchExecutionConfig, threads: int) -> None:
    """Make TensorFlow add up in one order only, for the rest of the process.

    On one CPU thread it does so anyway, and batches can then be read ahead of the training.
    """
    if execution.deterministic and (execution.accelerator != "cpu" or threads > 1):
        tf.config.experimental.enable_op_determinism()


def _on(place: DevicePlacement) -> AbstractContextManager[object]:
    """Compute on the device of the place; a strategy chooses among several by itself."""
    return tf.device(place.devices[0]) if place.replicas == 1 else nullcontext()
