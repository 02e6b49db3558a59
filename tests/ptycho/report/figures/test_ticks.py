"""Ticks: round values inside of an axis, with as many digits as tell them apart."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from ptycho.report.figures.ticks import MINUS, linear_ticks, logarithmic_ticks

ENDS = st.floats(-1e6, 1e6, allow_subnormal=False)


@given(ENDS, st.floats(1e-3, 1e6), st.integers(2, 12))
def test_ticks_lie_inside_and_apart(low, length, most):
    """No more ticks than asked for, evenly spaced, inside of the ends, each with a text of its own."""
    high = low + length
    ticks = linear_ticks(low, high, most)
    values = [tick.value for tick in ticks]
    assert 1 <= len(ticks) <= most + 1
    room = 1e-6 * max(1.0, abs(low), abs(high))
    assert all(low - room <= value <= high + room for value in values)
    assert values == sorted(values)
    if max(map(abs, values)) < 1e4 and length > 1e-2:
        assert len({tick.text for tick in ticks}) == len(ticks)


def test_ticks_are_written_as_they_are_read():
    """Digits follow the step, minus is a minus, and whole axes name whole numbers only."""
    texts = [tick.text for tick in linear_ticks(-1.0, 1.0, 5)]
    assert texts == [f"{MINUS}1.0", f"{MINUS}0.5", "0.0", "0.5", "1.0"]
    assert [tick.text for tick in linear_ticks(0.55, 0.98, 5)] == ["0.6", "0.7", "0.8", "0.9"]
    assert [tick.text for tick in linear_ticks(0.0, 1.0, 4)] == ["0.00", "0.25", "0.50", "0.75", "1.00"]
    assert [tick.text for tick in linear_ticks(1, 3, 9, whole=True)] == ["1", "2", "3"]
    assert linear_ticks(1.0, 1.0, 5) == []
    assert linear_ticks(0.0, math.inf, 5) == []


def test_logarithmic_ticks_are_powers_of_ten():
    """Over decades powers of ten are named, within two of them 2 and 5 as well."""
    texts = [tick.text for tick in logarithmic_ticks(1e-6, 1e-3, 4)]
    assert texts == [f"1e{MINUS}{power}" for power in (6, 5, 4, 3)]
    assert [tick.text for tick in logarithmic_ticks(0.4, 3.0, 4)] == ["0.5", "1", "2"]
