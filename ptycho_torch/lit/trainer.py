"""Lightning's trainer, made from the execution settings, and quiet."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers.logger import Logger

from ptycho.settings.execution import PyTorchExecutionConfig

_UNWANTED = (
    # The number of loading processes is a setting; frames that lie in memory need none.
    r"The '\w+' does not have many workers",
    # The run folder holds more than checkpoints, and each file in it has one writer.
    r"Checkpoint directory .* exists and is not empty",
    # The accelerator is a setting; where 'auto' fell back to the CPU, POLICY-001 has said so.
    r"GPU available but not used",
    # validation_fraction = 0, or a scan too small to hold frames out; the decisions of the training say so.
    r"You defined a `validation_step` but have no `val_dataloader`",
    # How Lightning walks its own batches through torch.utils._pytree.
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
)
_LOUD = ("lightning.pytorch", "lightning.fabric")


def make_trainer(
    execution: PyTorchExecutionConfig,
    folder: Path,
    *,
    epochs: int,
    callbacks: Sequence[Callback],
    loggers: Sequence[Logger],
    show_progress: bool,
) -> pl.Trainer:
    """Make the trainer that the execution settings describe.

    Args:
        execution: A PyTorchExecutionConfig; its accelerator is resolved.
        folder: Where Lightning writes.
        epochs: Epochs of the whole training.
        callbacks: Everything beside the optimisation, the progress bar included.
        loggers: Where metrics go.
        show_progress: Whether a progress bar is among the callbacks.

    Raises:
        ValueError: Lightning cannot run as the settings say: no such device, strategy or precision here.
    """
    _refuse_detached(execution.strategy)
    try:
        return pl.Trainer(
            accelerator=execution.accelerator,
            devices=execution.devices,
            strategy=execution.strategy,
            precision=precision_of(execution)[0],
            deterministic=determinism_of(execution),
            accumulate_grad_batches=execution.accum_steps,
            max_epochs=epochs,
            callbacks=list(callbacks),
            logger=list(loggers),
            default_root_dir=folder,
            enable_progress_bar=show_progress,
            enable_checkpointing=execution.enable_checkpointing,
            enable_model_summary=False,
            log_every_n_steps=1,
            num_sanity_val_steps=0,
        )
    except (MisconfigurationException, ValueError, ImportError) as error:
        raise _unable(execution, " ".join(str(error).split())) from error


def _unable(execution: PyTorchExecutionConfig, reason: str) -> ValueError:
    return ValueError(
        f"no training can run with these execution settings: {reason}\n"
        f"  given     accelerator = {execution.accelerator!r}, devices = {execution.devices!r}, "
        f"strategy = {execution.strategy!r}, precision = {execution.precision!r}\n"
        "  expected  a device that this machine has and a strategy that it supports\n"
        '  try       execution.accelerator = "cpu", devices = 1, strategy = "auto"'
    )


def _refuse_detached(strategy: str) -> None:
    """Refuse strategies that train in child processes, whose best weights and history stay there."""
    if any(kind in strategy for kind in ("spawn", "fork", "notebook")):
        raise ValueError(
            f"execution.strategy = '{strategy}' trains in processes that hand back no history "
            "and no best epoch\n"
            "  expected  auto, ddp, fsdp or another strategy of Lightning that stays in this process\n"
            '  try       execution.strategy = "ddp"'
        )


def precision_of(execution: PyTorchExecutionConfig) -> tuple[Any, str | None]:
    """Give the precision in force, and a sentence where it is not the one that was set."""
    if execution.precision == "16-mixed" and execution.accelerator == "cpu":
        return "bf16-mixed", "execution.precision: CPUs have no float16 arithmetic, bf16-mixed is used"
    return execution.precision, None


def determinism_of(execution: PyTorchExecutionConfig) -> Any:
    """Give what Lightning shall ask of torch: strict on the CPU, as far as torch can elsewhere.

    Some operations have no reproducible form on a GPU; torch then warns instead of ending the training.
    """
    if execution.deterministic and execution.accelerator != "cpu":
        return "warn"
    return execution.deterministic


def enforce_determinism(execution: PyTorchExecutionConfig) -> None:
    """Set torch's determinism as Lightning does when it makes a trainer, which may have been a while ago."""
    wanted = determinism_of(execution)
    torch.use_deterministic_algorithms(bool(wanted), warn_only=wanted == "warn")
    if wanted:
        torch.backends.cudnn.benchmark = False


def device_of(execution: PyTorchExecutionConfig) -> torch.device:
    """Name the device that the first process works on."""
    kind = {"gpu": "cuda" if torch.cuda.is_available() else "mps"}.get(
        execution.accelerator, execution.accelerator
    )
    return torch.device(kind, 0) if kind == "cuda" else torch.device(kind)


def require_device(execution: PyTorchExecutionConfig) -> torch.device:
    """Name the device that the first process works on, which this machine must have.

    Raises:
        ValueError: It has none of the kind.
    """
    device = device_of(execution)
    missing = (device.type == "cuda" and not torch.cuda.is_available()) or (
        device.type == "mps" and not torch.backends.mps.is_available()
    )
    if missing:
        raise _unable(execution, f"torch finds no {device.type} device")
    return device


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Lightning's notices off the console; its warnings pass, but for the listed ones."""
    before = {name: logging.getLogger(name).level for name in _LOUD}
    for name in before:
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for text in _UNWANTED:
                warnings.filterwarnings("ignore", message=text)
            yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


@contextmanager
def repeatable(seed: int, *, deterministic: bool = False) -> Iterator[None]:
    """Seed torch for the block, and leave its random state and determinism as they were.

    Args:
        seed: Seed of everything that torch draws.
        deterministic: Use deterministic algorithms from the first step on, not only under Lightning.
    """
    strict = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark = torch.backends.cudnn.benchmark
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        try:
            if deterministic:
                torch.use_deterministic_algorithms(True, warn_only=True)
            yield
        finally:
            torch.use_deterministic_algorithms(strict, warn_only=warn_only)
            torch.backends.cudnn.benchmark = benchmark
