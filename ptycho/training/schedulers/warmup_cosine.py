"""A cosine whose climb and end are set by the length of the training alone."""

from ptycho.training.optimisation import Optimisation
from ptycho.training.schedule import ByEpoch

from .cosine import warmed_cosine

WARMUP_SHARE = 0.05
FLOOR = 0.02


def warmup_cosine(epoch: int, optimisation: Optimisation) -> float:
    """Climb to 1 within the first twentieth of the epochs, then fall along half a cosine to a fiftieth."""
    epochs = optimisation.epochs
    warmup = max(1, round(WARMUP_SHARE * epochs)) if epochs > 1 else 0
    return warmed_cosine(epoch, epochs, warmup_epochs=warmup, min_lr_ratio=FLOOR)


SCHEDULER = ByEpoch(warmup_cosine)
