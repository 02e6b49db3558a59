"""The course of the learning rates: what both backends keep to."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.settings.registries import SCHEDULERS
from ptycho.training.optimisation import Optimisation
from ptycho.training.schedule import Course, OnPlateau, Rates
from ptycho.training.schedulers.warmup_cosine import FLOOR
from ptyconf.registry import UnknownEntryError

PLATEAU_NAMES = ("ReduceLROnPlateau", "Adaptive")


def course_of(name: str, epochs: int = 9, **values: Any) -> Course:
    """Make a course that starts at 1."""
    optimisation = Optimisation(**{"learning_rate": 1.0, "scheduler": name, "epochs": epochs} | values)
    return SCHEDULERS[name].begin(optimisation)


def rates(name: str, epochs: int, **values: Any) -> list[float]:
    """List the network's rates of the epochs."""
    course = course_of(name, epochs, **values)
    return [course.rates(epoch).network for epoch in range(epochs)]


def follow(course: Course, losses: list[float]) -> list[float]:
    """List the network's rates after each loss."""
    found = []
    for epoch, loss in enumerate(losses):
        course.observe(loss)
        found.append(course.rates(epoch + 1).network)
    return found


def test_default_keeps_the_rate() -> None:
    """Default is constant."""
    assert rates("Default", 4) == [1.0] * 4


def test_exponential_loses_five_percent_an_epoch() -> None:
    """Exponential has a gamma of 0.95."""
    assert rates("Exponential", 4) == pytest.approx([1, 0.95, 0.95**2, 0.95**3])


def test_multi_stage_falls_by_thirds() -> None:
    """MultiStage is 1, 0.3 and 0.1 over the thirds of the training."""
    assert rates("MultiStage", 6) == pytest.approx([1, 1, 0.3, 0.3, 0.1, 0.1])


@given(st.integers(1, 200))
def test_warmup_cosine_stays_between_its_bounds(epochs: int) -> None:
    """The rate never leaves (0, 1], reaches 1, and ends at a fiftieth of it."""
    found = rates("WarmupCosine", epochs)
    assert all(0 < rate <= 1 for rate in found)
    assert epochs < 2 or max(found) == 1
    assert epochs < 3 or found[-1] == pytest.approx(FLOOR)
    peak = found.index(max(found))
    assert found[: peak + 1] == sorted(found[: peak + 1])
    assert found[peak:] == sorted(found[peak:], reverse=True)


def test_cosine_climbs_and_falls_as_it_is_told() -> None:
    """Cosine climbs during the warm-up, starts its fall at the full rate and ends at the given share."""
    assert rates("Cosine", 3) == pytest.approx([1, 0.55, 0.1])
    found = rates("Cosine", 7, warmup_epochs=2, min_lr_ratio=0.2)
    assert found == pytest.approx([1 / 3, 2 / 3, 1, 0.2 + 0.8 * (2 + 2**0.5) / 4, 0.6, found[5], 0.2])
    assert found[4] > found[5] > found[6]


@pytest.mark.parametrize("name", PLATEAU_NAMES)
def test_plateau_halves_after_three_stale_epochs(name: str) -> None:
    """Two epochs without progress are forgiven, the third halves; 1e-4 is the floor."""
    course = course_of(name, learning_rate=3e-4)
    assert course.rates(0).network == 3e-4
    assert follow(course, [1.0] * 10) == pytest.approx([3e-4] * 3 + [1.5e-4] * 3 + [1e-4] * 4)


def test_plateau_forgives_after_any_fall() -> None:
    """A loss that falls, however little, starts the count anew."""
    course = course_of("ReduceLROnPlateau")
    assert follow(course, [1, 1, 1, 1 - 1e-9, 1, 1, 1]) == [1, 1, 1, 1, 1, 1, 0.5]


def test_plateau_sees_a_negative_loss_rise() -> None:
    """A loss that creeps up below zero is no progress, however slowly it creeps."""
    course = course_of("ReduceLROnPlateau")
    assert follow(course, [-13.5 + 1e-5 * epoch for epoch in range(4)])[-1] == 0.5


def test_plateau_takes_no_loss_for_progress_that_is_none() -> None:
    """A loss that is not a number counts as an epoch without progress."""
    assert follow(course_of("Adaptive"), [math.nan] * 3)[-1] == 0.5


def test_rates_below_the_floor_stay() -> None:
    """A rate that starts below the floor is never raised to it."""
    course = course_of("Adaptive", learning_rate=OnPlateau.floor / 10)
    assert follow(course, [1.0] * 7) == [OnPlateau.floor / 10] * 7


@pytest.mark.parametrize("name", list(SCHEDULERS))
def test_probe_rate_takes_the_same_course(name: str) -> None:
    """The probe's own rate is multiplied by the same factors; without one it is the network's."""
    course, alone = course_of(name, probe_learning_rate=0.25), course_of(name)
    for epoch in range(9):
        network, probe = course.rates(epoch)
        assert probe == pytest.approx(0.25 * network)
        assert alone.rates(epoch) == Rates(network, network)
        course.observe(1.0)
        alone.observe(1.0)


@pytest.mark.parametrize("name", [name for name in SCHEDULERS if name not in PLATEAU_NAMES])
def test_only_plateau_follows_the_loss(name: str) -> None:
    """Schedules that count epochs take no notice of losses, and need no state to go on."""
    course = course_of(name)
    before = [course.rates(epoch) for epoch in range(9)]
    follow(course, [1.0] * 9)
    assert [course.rates(epoch) for epoch in range(9)] == before
    assert course.state() is None
    course.restore(None)
    assert [course.rates(epoch) for epoch in range(9)] == before


@given(st.lists(st.floats(-2, 2), max_size=12), st.lists(st.floats(-2, 2), max_size=12))
def test_plateau_goes_on_where_another_stood(before: list[float], after: list[float]) -> None:
    """A course restored from JSON gives the rates that the first one would have given."""
    first, second = (course_of("Adaptive", probe_learning_rate=0.5) for _ in range(2))
    follow(first, before)
    second.restore(json.loads(json.dumps(first.state())))
    assert second.rates(0) == first.rates(0)
    assert follow(second, after) == follow(first, after)
    assert second.state() == first.state()


def test_unknown_scheduler_is_refused() -> None:
    """The error lists the names."""
    with pytest.raises(UnknownEntryError) as caught:
        course_of("Cosinus")
    assert str(caught.value) == (
        "unknown scheduler 'Cosinus'\n"
        "  known here  Adaptive, Cosine, Default, Exponential, MultiStage, ReduceLROnPlateau, WarmupCosine\n"
        '  try         execution.scheduler = "Cosine"'
    )
