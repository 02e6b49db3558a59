"""Groups of a reconstruction: every position leads one, among places that differ."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ptycho.reconstruction.groups import own_groups


@given(st.integers(1, 5), st.integers(4, 12), st.sampled_from([2, 3]), st.integers(0, 5))
def test_exposures_of_one_place_are_no_group(exposures: int, places: int, gridsize: int, seed: int) -> None:
    """However often a place was exposed, a group holds it once where there are places enough."""
    C = gridsize**2
    places = max(places, C)
    rng = np.random.default_rng(seed)
    axis = rng.permutation(places).astype(float)
    positions = rng.permutation(np.repeat(np.stack([axis, axis**2], axis=1), exposures, axis=0))
    groups = own_groups(positions, gridsize)
    assert groups[:, 0].tolist() == list(range(len(positions)))
    assert all(len(np.unique(positions[group], axis=0)) == C for group in groups)


def test_exposures_take_turns() -> None:
    """The second exposure of a place meets the second ones of its neighbours: all frames are seen alike."""
    axis = np.arange(6, dtype=float)
    positions = np.repeat(np.stack([axis, axis % 2], axis=1), 2, axis=0)
    groups = own_groups(positions, 2)
    assert np.all(groups % 2 == groups[:, :1] % 2)
