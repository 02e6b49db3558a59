"""Lower the learning rates by the same share after every epoch."""

from ptycho.training.optimisation import Optimisation
from ptycho.training.schedule import ByEpoch

GAMMA = 0.95


def exponential(epoch: int, optimisation: Optimisation) -> float:  # noqa: ARG001  What every factor is given.
    """Lose five percent an epoch."""
    return GAMMA**epoch


SCHEDULER = ByEpoch(exponential)
