"""Sweeps of iterative ptychography on a device of torch."""

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import torch
from numpy.typing import NDArray
from torch import Tensor

from ptycho.physics import sweeps
from ptycho.physics.operations import Operations
from ptycho.physics.sweeps import StepKind
from ptycho.reconstruction.iteration import SweepFunctions

from . import operations


@dataclass(frozen=True)
class TorchSweeps:
    """Torch on a device, as `reconstruction.iteration` computes with it.

    Attributes:
        device: Where to compute.
    """

    operations: ClassVar[Operations] = operations
    device: str | torch.device = "cpu"

    def array(self, values: NDArray[Any]) -> Tensor:
        """Bring numbers to the device."""
        return torch.as_tensor(values, device=self.device)

    def functions(self, kind: StepKind, N: int) -> SweepFunctions:  # noqa: ARG002  Nothing is compiled.
        """Give the arithmetic as it is written."""
        return SweepFunctions(
            step=partial(sweeps.step, operations, kind),
            pull=partial(sweeps.pull, operations, kind),
            move=partial(sweeps.move, operations, kind),
        )
