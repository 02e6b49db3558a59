"""The course of the learning rate over a training, as factors on the rate that is set."""

import math
from collections.abc import Callable
from functools import partial

from ptycho.settings.choices import SCHEDULERS as NAMES

from .optimisation import Optimisation

EXPONENTIAL_GAMMA = 0.95
MULTI_STAGE_FACTORS = (1.0, 0.3, 0.1)
PLATEAU_FACTOR = 0.5
PLATEAU_PATIENCE = 2
PLATEAU_FLOOR = 1e-4
WARMUP_SHARE = 0.05
COSINE_FLOOR = 0.02

PLATEAU_NAMES = ("ReduceLROnPlateau", "Adaptive")


def constant(epoch: int, epochs: int) -> float:  # noqa: ARG001
    """Keep the learning rate."""
    return 1.0


def exponential(epoch: int, epochs: int) -> float:  # noqa: ARG001
    """Lose five percent an epoch."""
    return EXPONENTIAL_GAMMA**epoch


def warmup_cosine(epoch: int, epochs: int) -> float:
    """Climb to 1 within the first twentieth of the epochs, then fall along half a cosine to a fiftieth."""
    warmup = max(1, round(WARMUP_SHARE * epochs)) if epochs > 1 else 0
    return cosine(epoch, epochs, warmup_epochs=warmup, min_lr_ratio=COSINE_FLOOR)


def cosine(epoch: int, epochs: int, *, warmup_epochs: int, min_lr_ratio: float) -> float:
    """Climb to 1 within some epochs, then fall along half a cosine to a share.

    Source:
        Loshchilov and Hutter, ICLR 2017 (SGDR), without restarts.
    """
    if epoch < warmup_epochs:
        return (epoch + 1) / (warmup_epochs + 1)
    share = min(1.0, (epoch - warmup_epochs) / max(1, epochs - 1 - warmup_epochs))
    return min_lr_ratio + (1 - min_lr_ratio) * 0.5 * (1 + math.cos(math.pi * share))


def multi_stage(epoch: int, epochs: int) -> float:
    """Use 1, 0.3 and 0.1 over the thirds of the training."""
    stage = min(2, 3 * epoch // max(1, epochs))
    return MULTI_STAGE_FACTORS[stage]


_FACTORS: dict[str, Callable[[int, int], float]] = {
    "Exponential": exponential,
    "WarmupCosine": warmup_cosine,
    "MultiStage": multi_stage,
}


def _at_epoch(factor: Callable[[int, int], float], epochs: int, epoch: int) -> float:
    return factor(epoch, epochs)


def check_name(name: str) -> None:
    """Accept the name of a scheduler.

    Raises:
        ValueError: The name is none of the known ones.
    """
    if name not in NAMES:
        raise ValueError(
            f"Unknown scheduler '{name}'\n"
            f"  expected  one of {', '.join(NAMES)}\n"
            '  try       execution.scheduler = "Default"'
        )


def factor_by_epoch(optimisation: Optimisation) -> Callable[[int], float] | None:
    """Give the factor as a function of the epoch; None where it is constant or follows the loss.

    Raises:
        ValueError: The name of the schedule is none of the known ones.
    """
    check_name(optimisation.scheduler)
    if optimisation.scheduler == "Cosine":
        return partial(
            cosine,
            epochs=optimisation.epochs,
            warmup_epochs=optimisation.warmup_epochs,
            min_lr_ratio=optimisation.min_lr_ratio,
        )
    factor = _FACTORS.get(optimisation.scheduler)
    return None if factor is None else partial(_at_epoch, factor, optimisation.epochs)
