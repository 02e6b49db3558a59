"""Sweeps of iterative ptychography on a device of torch."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Self

import torch
from numpy.typing import NDArray
from torch import Tensor

from ptycho.physics import sweeps
from ptycho.physics.operations import Operations
from ptycho.physics.sweeps import StepKind
from ptycho.reconstruction.iteration import SweepFunctions
from ptycho.reconstruction.workers import WORTH_SHARING, beside_this_one, threads_for_sweeps

from . import operations
from .threads import limited


@dataclass(frozen=True)
class TorchSweeps:
    """Torch on a device, as `reconstruction.iteration` computes with it.

    Attributes:
        device: Where to compute.
        threads: CPU threads that go through portions of the frames beside each other.
        shared_from: Pixels from which on they share a scan; a smaller one is left to a single thread.
    """

    operations: ClassVar[Operations] = operations
    device: str | torch.device = "cpu"
    threads: int = 1
    shared_from: int = 0

    @classmethod
    def on(cls, device: torch.device, setting: int | None) -> Self:
        """Compute on a device, with as many CPU threads as are set, or as suit it."""
        return cls(device, threads_for_sweeps(setting, device.type), WORTH_SHARING if setting is None else 0)

    @contextmanager
    def workers(self, pixels: int) -> Iterator[Executor | None]:
        """Give threads to a sweep beside its own, each of which computes alone.

        Torch's own threads meet after every operation, some 60 times in a step of 2 ms. Where other programs
        use the cores, each waits for the slowest: smoothing a canvas took 4 ms with one thread and 296 with
        two.
        """
        with torch.inference_mode(), limited(1):
            yield beside_this_one(1 if pixels < self.shared_from else self.threads)

    def array(self, values: NDArray[Any]) -> Tensor:
        """Bring numbers to the device."""
        return torch.as_tensor(values, device=self.device)

    def functions(self, kind: StepKind, N: int) -> SweepFunctions:  # noqa: ARG002  Nothing is compiled.
        """Give the arithmetic as it is written."""
        return SweepFunctions(
            step=partial(sweeps.step, operations, kind),
            # Each thread tells for itself whether gradients are kept.
            pull=torch.inference_mode()(partial(sweeps.pull, operations, kind)),
            move=partial(sweeps.move, operations, kind),
        )
