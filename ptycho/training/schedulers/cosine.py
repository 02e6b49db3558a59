"""Let the learning rates climb for some epochs, then fall along half a cosine."""

import math

from ptycho.training.optimisation import Optimisation
from ptycho.training.schedule import ByEpoch


def warmed_cosine(epoch: int, epochs: int, *, warmup_epochs: int, min_lr_ratio: float) -> float:
    """Climb to 1 within some epochs, then fall along half a cosine to a share.

    The first epoch of a climb already has a rate above zero, or it would learn nothing; the last epoch of the
    training has exactly the share.

    Source:
        Loshchilov and Hutter, ICLR 2017 (SGDR), without restarts.
    """
    if epoch < warmup_epochs:
        return (epoch + 1) / (warmup_epochs + 1)
    part = min(1.0, (epoch - warmup_epochs) / max(1, epochs - 1 - warmup_epochs))
    return min_lr_ratio + (1 - min_lr_ratio) * 0.5 * (1 + math.cos(math.pi * part))


def cosine(epoch: int, optimisation: Optimisation) -> float:
    """Climb for `execution.warmup_epochs`, and end at `execution.min_lr_ratio`."""
    return warmed_cosine(
        epoch,
        optimisation.epochs,
        warmup_epochs=optimisation.warmup_epochs,
        min_lr_ratio=optimisation.min_lr_ratio,
    )


SCHEDULER = ByEpoch(cosine)
