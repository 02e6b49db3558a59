"""The frame from which on a scan lies one position off is found, whatever lies in between."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ptycho.reconstruction.frame_order import find_slip, moved


@given(
    count=st.integers(8, 200),
    share=st.floats(0.0, 0.95),
    step=st.sampled_from([1, -1]),
    seed=st.integers(0, 99),
)
def test_the_slip_is_found(count: int, share: float, step: int, seed: int) -> None:
    """What is left grows with the frames that are moved wrongly: it tells the first one, and whither."""
    rng = np.random.default_rng(seed)
    numbers = rng.permutation(np.sort(rng.choice(2 * count, count, replace=False)))
    positions = np.cumsum(rng.uniform(0.5, 1.5, (2 * count + 1, 2)), axis=0)
    first = int(np.sort(numbers)[int(share * count)])
    right = moved(positions, numbers, first, step)

    def ask(guess: int, towards: int) -> float:
        return float(np.abs(moved(positions, numbers, guess, towards) - right).sum())

    slip = find_slip(ask, numbers)
    assert ask(slip.first, slip.step) == 0.0


def test_few_questions_are_asked() -> None:
    """A hundred frames take some twenty-five answers at most, each of which costs short sweeps."""
    asked: list[tuple[int, int]] = []

    def ask(first: int, step: int) -> float:
        asked.append((first, step))
        return abs(first - 61) + (step < 0) * 10.0

    assert find_slip(ask, np.arange(120)).first == 61
    assert len(asked) <= 25
