"""The course of the learning rate over a training, under torch's schedulers."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from ptycho.training.optimisation import Optimisation
from ptycho.training.schedule import (
    PLATEAU_FACTOR,
    PLATEAU_FLOOR,
    PLATEAU_NAMES,
    PLATEAU_PATIENCE,
    factor_by_epoch,
)


def by_epoch(optimisation: Optimisation, optimizer: Optimizer) -> LambdaLR | None:
    """Make a schedule that counts epochs; None where the learning rate is constant or follows the loss.

    Args:
        optimisation: Names the schedule, and how long it is.
        optimizer: Its learning rates are those that the factors multiply.

    Raises:
        ValueError: The name is none of the known ones.
    """
    factor = factor_by_epoch(optimisation)
    return None if factor is None else LambdaLR(optimizer, factor)


def by_loss(name: str, optimizer: Optimizer) -> ReduceLROnPlateau | None:
    """Make a schedule that halves the rate when the loss stops falling; None for the other names.

    Any fall counts: torch's relative threshold takes a rise for a fall where the loss is negative, as the
    Poisson likelihood is.
    """
    if name not in PLATEAU_NAMES:
        return None
    return ReduceLROnPlateau(
        optimizer, factor=PLATEAU_FACTOR, patience=PLATEAU_PATIENCE, threshold=0.0, min_lr=PLATEAU_FLOOR
    )
