"""How many CPU threads one tensor operation uses.

The sums inside convolutions depend on the number of threads in their last bits, so a number chosen by the
clock would make weights irreproducible. A deterministic training therefore takes one thread unless a setting
names another number; only a training that need not be reproducible asks the clock.

Measured on two cores that were shared with other programs (batch 16, samples per second with one and with two
threads): cnn 64: 21 and 7, unet 64: 79 and 20, unet 128: 12 and 7.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

logger = logging.getLogger(__name__)

TIMED_STEPS = 3


@dataclass(frozen=True)
class ThreadChoice:
    """A number of threads and why it was taken."""

    threads: int
    reason: str


def choose_threads(
    setting: int | None, *, deterministic: bool, device: str, step: Callable[[], object]
) -> ThreadChoice:
    """Decide on the threads of a training.

    Args:
        setting: `execution.threads`; None leaves the choice to this function.
        deterministic: Whether equal settings must give equal weights.
        device: Where the tensors live; elsewhere than on the CPU nothing is gained by more than one.
        step: One training step on throw-away weights, for the clock.

    Raises:
        ValueError: The setting is not positive.
    """
    if setting is not None:
        if setting < 1:
            raise ValueError(
                f"threads must be positive, got {setting}\n"
                "  expected  a whole number above 0, or none for a measured choice\n"
                "  try       execution.threads = 1"
            )
        return ThreadChoice(setting, "as set")
    if device != "cpu":
        return ThreadChoice(1, f"the work is done on {device}")
    if deterministic:
        return ThreadChoice(1, "deterministic: the last bits depend on the number of threads")
    return _measure(step)


def available_cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _measure(step: Callable[[], object]) -> ThreadChoice:
    cores = available_cores()
    candidates = sorted({1, max(1, cores // 2), cores})
    if len(candidates) == 1:
        return ThreadChoice(1, "one core is available")
    times = {}
    for count in candidates:
        with limited(count):
            step()
            times[count] = min(_seconds(step) for _ in range(TIMED_STEPS))
    best = min(times, key=lambda count: times[count])
    figures = ", ".join(f"{count}: {1e3 * seconds:.0f} ms" for count, seconds in times.items())
    return ThreadChoice(best, f"measured, one step with {figures}")


def _seconds(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Use this many threads inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
