"""Train a network with torch under Lightning, from settings to the best weights."""

from functools import partial
from pathlib import Path
from typing import Any

import torch

from ptycho.network.precision import settle_precision
from ptycho.scan.raw_data import RawData
from ptycho.training.plan import Plan, TrainingConfigurations, WatchedFolder, make_plan, open_run_folder
from ptycho.training.result import TrainingResult, result_of
from ptycho.training.threads import ThreadChoice, choose_threads, measure_threads
from ptycho_torch.nn.iteration import TorchSweeps
from ptycho_torch.nn.model import PtychoNetwork
from ptycho_torch.nn.threads import limited

from .checkpoints import read_checkpoint
from .data import make_loaders
from .devices import device_of, enforce_determinism, repeatable, require_device
from .loop import Loop
from .module import PtychoModule
from .trainer import quiet

TIMED_GROUPS = 4
"""Groups of the batch on which threads are timed: as few as make the convolutions worth sharing."""


def train(
    configurations: TrainingConfigurations,
    scan: RawData,
    run_dir: Path | WatchedFolder,
    *,
    progress: bool | None = None,
) -> TrainingResult[PtychoNetwork]:
    """Do all that `open_loop` and `run_loop` do, which share these arguments and errors."""
    return run_loop(open_loop(configurations, scan, run_dir, progress=progress))


def open_loop(
    configurations: TrainingConfigurations,
    scan: RawData,
    run_dir: Path | WatchedFolder,
    *,
    progress: bool | None = None,
    kind: type[PtychoModule] | None = None,
) -> Loop:
    """Make module, loaders and Lightning's trainer, which a client may still change.

    Args:
        configurations: Such as a TrainingPayload of `ptycho_torch.config_factory`.
        scan: Frames to learn from.
        run_dir: Where checkpoints and metrics go.
        progress: Whether a bar is drawn; None asks `execution.enable_progress_bar`.
        kind: Class of the module; None takes `PtychoModule`.

    Raises:
        ValueError: These do not go together, or nothing can be resumed.
    """
    execution, seed = configurations.execution_config, configurations.tf_training_config.seed
    folder = open_run_folder(configurations, run_dir, read_checkpoint)
    with repeatable(seed, deterministic=execution.deterministic):
        with limited(execution.threads or 1):
            device = require_device(execution)
            plan = make_plan(configurations, scan, folder, TorchSweeps.on(device, execution.threads))
            module = (kind or PtychoModule).fresh(plan)
            first, validation, notes = make_loaders(plan, device)
        choice = _time_threads(plan, module, first.dataset)
        plan.conclude(*notes, settle_precision(execution)[1], choice.note())
        show = execution.enable_progress_bar if progress is None else progress
        return Loop.of(plan, module, (first, validation), threads=choice.threads, show=show)


def run_loop(loop: Loop) -> TrainingResult[PtychoNetwork]:
    """Train under the plan's seed, determinism and threads; the process has its own again afterwards.

    Raises:
        NonFiniteLossError: A loss was NaN or infinite.
        KeyboardInterrupt: Somebody pressed Ctrl-C once more.
    """
    execution = loop.plan.execution
    with (
        repeatable(loop.plan.training.seed, deterministic=execution.deterministic),
        limited(loop.threads),
        quiet(),
    ):
        enforce_determinism(execution)
        end = loop.run()
    network = loop.module.network.eval()
    return result_of(loop.plan, end, network, network.probe.detach().numpy().copy())


def _time_threads(plan: Plan, module: PtychoModule, groups: Any) -> ThreadChoice:
    def step() -> None:
        batch = groups.__getitems__(range(min(TIMED_GROUPS, len(groups))))
        torch.autograd.backward(module.evaluate(batch)[0])
        module.zero_grad(set_to_none=True)

    execution = plan.execution
    return choose_threads(
        execution.threads,
        deterministic=execution.deterministic,
        device=device_of(execution).type,
        otherwise=partial(measure_threads, step, limited),
    )
