"""The course of the learning rates over a training."""

import math
from dataclasses import asdict, dataclass
from typing import NamedTuple

from ptycho.training.optimisation import Optimisation
from ptycho.training.schedule import (
    PLATEAU_FACTOR,
    PLATEAU_FLOOR,
    PLATEAU_NAMES,
    PLATEAU_PATIENCE,
    factor_by_epoch,
)

SMALLEST_CHANGE = 1e-8
"""A rate that would fall by less than this stays."""


class Rates(NamedTuple):
    """Step sizes of the network and of the probe."""

    network: float
    probe: float


@dataclass
class Plateau:
    """What a schedule that follows the loss has seen.

    Attributes:
        network: The network's rate in force.
        probe: The probe's rate in force.
        best: The lowest loss so far.
        stale: Epochs since then.
    """

    network: float
    probe: float
    best: float = math.inf
    stale: int = 0

    def look(self, loss: float) -> None:
        """Halve the rates when the loss has not fallen for too long; any fall counts."""
        if loss < self.best:
            self.best, self.stale = loss, 0
        else:
            self.stale += 1
        if self.stale > PLATEAU_PATIENCE:
            self.network, self.probe, self.stale = _halved(self.network), _halved(self.probe), 0


def _halved(rate: float) -> float:
    lower = max(rate * PLATEAU_FACTOR, PLATEAU_FLOOR)
    return lower if rate - lower > SMALLEST_CHANGE else rate


class Course:
    """Gives the rates of each epoch.

    Args:
        optimisation: Names the schedule, and how long it is.

    Raises:
        ValueError: The name is none of the known ones.
    """

    def __init__(self, optimisation: Optimisation) -> None:
        start = optimisation.learning_rate
        self._start = Rates(start, optimisation.probe_learning_rate or start)
        self._factor = factor_by_epoch(optimisation)
        self._plateau = Plateau(*self._start) if optimisation.scheduler in PLATEAU_NAMES else None

    def rates(self, epoch: int) -> Rates:
        """Give the rates of an epoch, counted from 0."""
        if self._plateau is not None:
            return Rates(self._plateau.network, self._plateau.probe)
        factor = 1.0 if self._factor is None else self._factor(epoch)
        return Rates(*(rate * factor for rate in self._start))

    def look(self, loss: float) -> None:
        """Take notice of the loss that an epoch reached."""
        if self._plateau is not None:
            self._plateau.look(loss)

    def state(self) -> dict[str, float] | None:
        """Give what a resumed training needs to know; None where the epoch says everything."""
        return None if self._plateau is None else asdict(self._plateau)

    def restore(self, held: dict[str, float] | None) -> None:
        """Go on where another course stood."""
        if self._plateau is not None and held is not None:
            self._plateau = Plateau(held["network"], held["probe"], float(held["best"]), int(held["stale"]))
