"""How many CPU threads torch uses."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from ptycho.training.threads import ThreadChoice, measure_threads, settle_threads


def choose_threads(
    setting: int | None, *, deterministic: bool, device: str, step: Callable[[], object]
) -> ThreadChoice:
    """Decide on the threads of a training.

    Args:
        setting: `execution.threads`; None leaves the choice to this function.
        deterministic: Whether equal settings must give equal weights.
        device: Where the tensors live.
        step: One training step on throw-away weights, for the clock.

    Raises:
        ValueError: The setting is not positive.
    """
    settled = settle_threads(setting, deterministic=deterministic, device=device)
    return measure_threads(step, limited) if settled is None else settled


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Use this many threads inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
