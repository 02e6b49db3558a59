"""From which frame on does a scan lie one position off? A search, judged by frames not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ptycho.physics.arrays import Real

STARTS = (0.0, 0.25, 0.5, 0.75)
"""Shares of the frames after which the slip is looked for first: the nearest leaves an eighth misplaced."""

GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0
NEAR = 3
"""Frames within which every one is asked at the end: so few misplaced ones change little of what is left."""


@dataclass(frozen=True)
class Slip:
    """Frames that lie one position off.

    Attributes:
        first: Number of the first of them.
        step: 1 where they fit the position after theirs, for a frame before them is missing; -1 where they
            fit the one before, for a frame is there twice, or has no position.
        misfit: What frames not seen are left with once they are moved.
    """

    first: int
    step: int
    misfit: float


def moved(positions: Real, numbers: NDArray[np.int64], first: int, step: int) -> NDArray[np.float64]:
    """Give the positions of some frames with those from one number on moved along the list.

    Args:
        positions: Of all frames, [x, y], shape (n, 2).
        numbers: Which frames are asked for, shape (K,).
        first: Number from which on frames are moved.
        step: By how many places.
    """
    rows = np.where(numbers >= first, numbers + step, numbers)
    return np.asarray(positions[np.clip(rows, 0, len(positions) - 1)], np.float64)


def find_slip(ask: Callable[[int, int], float], numbers: NDArray[np.int64]) -> Slip:
    """Search the frame and the direction with which frames not seen are left with least.

    Frames that are moved too many or too few are as many as the guess is off: what is left falls towards the
    right one from both sides, and a section by golden ratio finds it.

    Args:
        ask: Gives what is left with a first number and a step.
        numbers: Which frames there are, shape (K,).
    """
    ordered = np.unique(numbers)
    last = len(ordered) - 1
    known: dict[tuple[int, int], float] = {}

    def left(place: int, step: int) -> float:
        if (place, step) not in known:
            known[place, step] = ask(int(ordered[place]), step)
        return known[place, step]

    places = [round(share * last) for share in STARTS]
    at, step = min(
        ((at, step) for step in (1, -1) for at in range(len(places))),
        key=lambda one: left(places[one[0]], one[1]),
    )
    low = places[at - 1] if at else 0
    high = places[at + 1] if at + 1 < len(places) else last
    while high - low > NEAR:
        here, there = round(high - GOLDEN * (high - low)), round(low + GOLDEN * (high - low))
        if here >= there:
            break
        low, high = (low, there) if left(here, step) <= left(there, step) else (here, high)
    middle = min((place for place, towards in known if towards == step), key=lambda place: left(place, step))
    near = range(max(middle - NEAR, 0), min(middle + NEAR, last) + 1)
    place = min(near, key=lambda place: left(place, step))
    return Slip(int(ordered[place]), step, left(place, step))
