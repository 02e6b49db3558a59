"""Lower the learning rates in two steps."""

from ptycho.training.optimisation import Optimisation
from ptycho.training.schedule import ByEpoch

FACTORS = (1.0, 0.3, 0.1)


def multi_stage(epoch: int, optimisation: Optimisation) -> float:
    """Use 1, 0.3 and 0.1 over the thirds of the training."""
    return FACTORS[min(2, 3 * epoch // max(1, optimisation.epochs))]


SCHEDULER = ByEpoch(multi_stage)
