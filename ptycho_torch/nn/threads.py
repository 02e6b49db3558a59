"""How many CPU threads torch uses: it changes them whenever it is told."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Use this many threads inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
