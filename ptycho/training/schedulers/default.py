"""Keep the learning rates."""

from ptycho.training.optimisation import Optimisation
from ptycho.training.schedule import ByEpoch


def constant(epoch: int, optimisation: Optimisation) -> float:  # noqa: ARG001  What every factor is given.
    """Give 1 for every epoch."""
    return 1.0


SCHEDULER = ByEpoch(constant)
