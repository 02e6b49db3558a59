"""How many CPU threads one tensor operation uses.

The sums inside convolutions depend on the number of threads in their last bits, so a number chosen by the
clock would make weights irreproducible. A deterministic training therefore takes one thread unless a setting
names another number; only a training that need not be reproducible asks the clock.

Measured with torch on two cores that were shared with other programs (batch 16, samples per second with one
and with two threads): cnn 64: 21 and 7, unet 64: 79 and 20, unet 128: 12 and 7.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from ptycho.reconstruction.workers import available_cores
from ptyconf.errors import error_text

TIMED_STEPS = 3


@dataclass(frozen=True)
class ThreadChoice:
    """A number of threads and why it was taken."""

    threads: int
    reason: str

    def note(self) -> str:
        """Say it in a sentence."""
        return f"{self.threads} CPU thread{'s' * (self.threads > 1)} ({self.reason})"


def choose_threads(
    setting: int | None, *, deterministic: bool, device: str, otherwise: Callable[[], ThreadChoice]
) -> ThreadChoice:
    """Decide on the threads of a training.

    Args:
        setting: `execution.threads`; None leaves the choice to the program.
        deterministic: Whether equal settings must give equal weights.
        device: Where the tensors live; elsewhere than on the CPU nothing is gained by more than one.
        otherwise: Chooses where none of these decides, such as by the clock.

    Raises:
        ValueError: The setting is not positive.
    """
    if setting is not None:
        if setting < 1:
            raise ValueError(
                error_text(
                    f"threads must be positive, got {setting}",
                    expected="a whole number above 0, or none for a measured choice",
                    hint="execution.threads = 1",
                )
            )
        return ThreadChoice(setting, "as set")
    if device != "cpu":
        return ThreadChoice(1, f"the work is done on {device}")
    if deterministic:
        return ThreadChoice(1, "deterministic: the last bits depend on the number of threads")
    if available_cores() == 1:
        return ThreadChoice(1, "one core is available")
    return otherwise()


def measure_threads(
    step: Callable[[], object], limited: Callable[[int], AbstractContextManager[None]]
) -> ThreadChoice:
    """Take the number of threads with which a step is fastest.

    Args:
        step: One training step on throw-away weights.
        limited: Gives a block in which operations use that many threads.
    """
    cores = available_cores()
    times = {}
    for count in sorted({1, max(1, cores // 2), cores}):
        with limited(count):
            step()
            # The fastest: whatever disturbs a step makes it longer. The step before it, which is not timed,
            # warms up.
            times[count] = min(_seconds(step) for _ in range(TIMED_STEPS))
    best = min(times, key=lambda count: times[count])
    figures = ", ".join(f"{count}: {1e3 * seconds:.0f} ms" for count, seconds in times.items())
    return ThreadChoice(best, f"measured, one step with {figures}")


def _seconds(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start
