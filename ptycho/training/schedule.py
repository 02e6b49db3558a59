"""How the learning rates run over a training; the entries of `schedulers` are made of these two kinds."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from .optimisation import Optimisation

SMALLEST_CHANGE = 1e-8
"""A rate that would fall by less than this stays; torch's ReduceLROnPlateau has the same bound."""


class Rates(NamedTuple):
    """Step sizes of the network and of the probe."""

    network: float
    probe: float


class Course(Protocol):
    """The learning rates of one training."""

    def rates(self, epoch: int) -> Rates:
        """Give the rates of an epoch, counted from 0."""
        ...

    def observe(self, loss: float) -> None:
        """Take notice of the loss that an epoch reached."""
        ...

    def state(self) -> dict[str, float] | None:
        """Give what a resumed training needs to know, JSON types; None where the epoch says everything."""
        ...

    def restore(self, state: dict[str, float] | None) -> None:
        """Go on where another course stood."""
        ...


class Scheduler(Protocol):
    """An entry of the registry of schedulers."""

    def begin(self, optimisation: Optimisation) -> Course:
        """Start the course of a training."""
        ...


@dataclass(frozen=True)
class ByEpoch:
    """A scheduler that multiplies both rates by a factor of the epoch alone.

    Attributes:
        factor: Gives it from the epoch, counted from 0, and the values of the training.
    """

    factor: Callable[[int, Optimisation], float]

    def begin(self, optimisation: Optimisation) -> Course:
        """Start the course of a training."""
        return _CourseByEpoch(self.factor, optimisation)


@dataclass(frozen=True)
class OnPlateau:
    """A scheduler that lowers both rates when the loss has stood still for some epochs.

    Any fall counts as progress, however small: a relative threshold takes a rise for a fall where the loss is
    negative, as the Poisson likelihood is.

    Attributes:
        factor: What the rates are multiplied by.
        patience: Epochs without progress that are forgiven.
        floor: The lowest rate that is reached by lowering.
    """

    factor: float = 0.5
    patience: int = 2
    floor: float = 1e-4

    def begin(self, optimisation: Optimisation) -> Course:
        """Start the course of a training."""
        return _CourseOnPlateau(self, *starting_rates(optimisation))

    def lowered(self, rate: float) -> float:
        """Give the rate that follows on a plateau; one below the floor is never raised to it."""
        # A rate that starts below the floor would be raised by the maximum: the change is then negative, and
        # refused.
        lower = max(rate * self.factor, self.floor)
        return lower if rate - lower > SMALLEST_CHANGE else rate


def starting_rates(optimisation: Optimisation) -> Rates:
    """Give the rates that are set; the probe takes the network's where it has none of its own."""
    return Rates(optimisation.learning_rate, optimisation.probe_learning_rate or optimisation.learning_rate)


@dataclass
class _CourseByEpoch:
    factor: Callable[[int, Optimisation], float]
    optimisation: Optimisation

    def rates(self, epoch: int) -> Rates:
        factor = self.factor(epoch, self.optimisation)
        return Rates(*(rate * factor for rate in starting_rates(self.optimisation)))

    def observe(self, loss: float) -> None:
        """Take no notice: the epoch says everything."""

    def state(self) -> None:
        return None

    def restore(self, state: dict[str, float] | None) -> None:
        """Take nothing up: the epoch says everything."""


@dataclass
class _CourseOnPlateau:
    rule: OnPlateau
    network: float
    probe: float
    best: float = math.inf
    stale: int = 0

    def rates(self, epoch: int) -> Rates:  # noqa: ARG002  A protocol's argument.
        return Rates(self.network, self.probe)

    def observe(self, loss: float) -> None:
        if loss < self.best:
            self.best, self.stale = loss, 0
        else:  # A loss that is not a number compares as no progress.
            self.stale += 1
        if self.stale > self.rule.patience:
            self.network, self.probe = self.rule.lowered(self.network), self.rule.lowered(self.probe)
            self.stale = 0

    def state(self) -> dict[str, float]:
        return {"network": self.network, "probe": self.probe, "best": self.best, "stale": self.stale}

    def restore(self, state: dict[str, float] | None) -> None:
        if state is not None:
            self.network, self.probe = float(state["network"]), float(state["probe"])
            self.best, self.stale = float(state["best"]), int(state["stale"])
