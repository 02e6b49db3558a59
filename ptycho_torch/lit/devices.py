"""On which device torch works, how exactly it repeats itself there, and what it leaves behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from ptycho.settings.execution import PyTorchExecutionConfig
from ptycho.training.devices import unusable_device


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
        raise unusable_device(execution, f"torch finds no {device.type} device")
    return device


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
