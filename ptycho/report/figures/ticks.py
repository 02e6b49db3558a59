"""Where the ticks of an axis stand, and what is written at them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Distances of ticks that are read at a glance, up to powers of ten."""

WITHIN = 1e-9
"""Share of a step by which rounding may put a tick beyond the end of its axis."""

LONG = 4
"""Digits from which on a number is written with its power of ten."""

FEW_DECADES = 1.7
"""Decades of a logarithmic axis below which 2 and 5 are named, too."""

MINUS = "\N{MINUS SIGN}"


class Tick(NamedTuple):
    """A place on an axis and what is written there."""

    value: float
    text: str


def linear_ticks(low: float, high: float, most: int, *, whole: bool = False) -> list[Tick]:
    """Give at most so many ticks between two values, a round step from each other."""
    low, high = min(low, high), max(low, high)
    least = (high - low) / max(1, most)
    if not (math.isfinite(least) and least > 0):
        return []
    power = 10.0 ** math.floor(math.log10(least))
    step = next(step * power for step in STEPS if step * power >= least * (1 - WITHIN))
    if whole:
        step = max(1.0, math.ceil(step))
    first, last = math.ceil(low / step - WITHIN), math.floor(high / step + WITHIN)
    values = [number * step for number in range(first, last + 1)]
    return [Tick(value, text) for value, text in zip(values, _texts(values, step), strict=True)]


def logarithmic_ticks(low: float, high: float, most: int) -> list[Tick]:
    """Give ticks at powers of ten between two values above 0; at 2 and 5 times them where there are few."""
    low, high = min(low, high), max(low, high)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    factors = (1, 2, 5) if math.log10(high / low) < FEW_DECADES else (1,)
    every = max(1, math.ceil((last - first) / max(1, most)))
    values = [
        (factor * 10.0**power, factor, power)
        for power in range(first, last + 1)
        for factor in factors
        if power % every == 0
    ]
    inside = [entry for entry in values if low * (1 - WITHIN) <= entry[0] <= high * (1 + WITHIN)]
    plain = first > -LONG and last < LONG
    return [Tick(value, _of_power(factor, power, plain=plain)) for value, factor, power in inside]


def _of_power(factor: int, power: int, *, plain: bool) -> str:
    if plain:
        return f"{factor * 10.0**power:.{max(0, -power)}f}"
    return f"{factor}e{power}".replace("-", MINUS)


def _texts(values: list[float], step: float) -> list[str]:
    largest = max((abs(value) for value in values), default=0.0)
    if largest == 0:
        return ["0" for _ in values]
    power = math.floor(math.log10(largest))
    if -LONG < power <= LONG:
        # 0.25 needs a digit more than its power of ten says.
        digits = max(0, -math.floor(math.log10(step) + WITHIN))
        if not np.isclose(step * 10**digits, round(step * 10**digits)):
            digits += 1
        texts = [f"{value:z.{digits}f}" for value in values]
    else:
        texts = [f"{value:z.3g}" for value in values]
    return [text.replace("-", MINUS) for text in texts]
