"""The course of the learning rate."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ptycho.training import schedule
from ptycho.training.optimisation import Optimisation
from ptycho_torch.lit import schedulers


def course(name: str, epochs: int, **shape: Any) -> list[float]:
    """List the rates of the epochs."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    course_of = schedulers.by_epoch(Optimisation(scheduler=name, epochs=epochs, **shape), optimizer)
    rates = []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if course_of is not None:
            course_of.step()
    return rates


def test_default_keeps_the_rate() -> None:
    """Default is constant."""
    assert course("Default", 4) == [1.0] * 4


def test_exponential_loses_five_percent_an_epoch() -> None:
    """Exponential has a gamma of 0.95."""
    assert course("Exponential", 4) == pytest.approx([1, 0.95, 0.95**2, 0.95**3])


def test_multi_stage_falls_by_thirds() -> None:
    """MultiStage is 1, 0.3 and 0.1 over the thirds of the training."""
    assert course("MultiStage", 6) == pytest.approx([1, 1, 0.3, 0.3, 0.1, 0.1])


@given(st.integers(1, 200))
def test_warmup_cosine_stays_between_its_bounds(epochs: int) -> None:
    """The rate never leaves (0, 1], reaches 1, and ends at a fiftieth of it."""
    factors = [schedule.warmup_cosine(epoch, epochs) for epoch in range(epochs)]
    assert all(0 < factor <= 1 for factor in factors)
    assert epochs < 2 or max(factors) == 1
    assert epochs < 3 or factors[-1] == pytest.approx(schedule.COSINE_FLOOR)
    peak = factors.index(max(factors))
    assert factors[: peak + 1] == sorted(factors[: peak + 1])
    assert factors[peak:] == sorted(factors[peak:], reverse=True)


def test_cosine_climbs_and_falls_as_it_is_told() -> None:
    """Cosine climbs during the warm-up, starts its fall at the full rate and ends at the given share."""
    assert course("Cosine", 3) == pytest.approx([1, 0.55, 0.1])
    rates = course("Cosine", 7, warmup_epochs=2, min_lr_ratio=0.2)
    assert rates == pytest.approx([1 / 3, 2 / 3, 1, 0.2 + 0.8 * (2 + 2**0.5) / 4, 0.6, rates[5], 0.2])
    assert rates[4] > rates[5] > rates[6]


@pytest.mark.parametrize("name", ["ReduceLROnPlateau", "Adaptive"])
def test_plateau_halves_after_three_stale_epochs(name: str) -> None:
    """Two epochs without progress are forgiven, the third halves; 1e-4 is the floor."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=3e-4)
    plateau = schedulers.by_loss(name, optimizer)
    assert plateau is not None
    assert schedulers.by_epoch(Optimisation(scheduler=name, epochs=9), optimizer) is None
    rates = []
    for _ in range(10):
        plateau.step(1.0)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([3e-4] * 3 + [1.5e-4] * 3 + [1e-4] * 4)


def test_plateau_sees_a_negative_loss_rise() -> None:
    """A loss that creeps up below zero is no progress, however slowly it creeps."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    plateau = schedulers.by_loss("ReduceLROnPlateau", optimizer)
    assert plateau is not None
    for epoch in range(4):
        plateau.step(-13.5 + 1e-5 * epoch)
    assert optimizer.param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize("name", ["Default", "Exponential", "WarmupCosine", "MultiStage"])
def test_only_plateau_follows_the_loss(name: str) -> None:
    """Schedules that count epochs ask for no loss."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    assert schedulers.by_loss(name, optimizer) is None


def test_unknown_scheduler_is_refused() -> None:
    """The error lists the names."""
    with pytest.raises(ValueError, match="Unknown scheduler") as caught:
        schedule.check_name("Cyclic")
    assert str(caught.value) == (
        "Unknown scheduler 'Cyclic'\n"
        "  expected  one of Default, Exponential, ReduceLROnPlateau, WarmupCosine, "
        "Cosine, MultiStage, Adaptive\n"
        '  try       execution.scheduler = "Default"'
    )
