"""Distances between positions, against scipy's tree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial import cKDTree

from ptycho.scan.nearest import SAMPLED, nearest_distances, sampled_steps, without_neighbours

Positions = np.ndarray[Any, Any]
POSITIONS = st.integers(2, 40).flatmap(
    lambda count: arrays(np.float64, (count, 2), elements=st.floats(-1e3, 1e3, width=32))
)


def of_tree(positions: Positions) -> Positions:
    """Ask scipy for the distance to the nearest other position."""
    return np.asarray(cKDTree(positions).query(positions, k=[2])[0])[:, 0]


@given(positions=POSITIONS)
def test_distances_are_those_of_a_tree(positions: Positions) -> None:
    """The nearest other position is as far away as scipy's tree says; equal ones are 0 apart."""
    nearest = nearest_distances(positions, np.arange(len(positions)))
    np.testing.assert_allclose(nearest, of_tree(positions), atol=1e-9)
    np.testing.assert_array_equal(sampled_steps(positions), nearest)


@given(positions=POSITIONS, reach=st.floats(0.1, 3e3))
def test_nobody_within_reach_is_told_as_by_a_tree(positions: Positions, reach: float) -> None:
    """Positions without another within a reach are those whose nearest one lies beyond it."""
    nearest = of_tree(positions)
    clear = np.abs(nearest - reach) > 1e-6 * reach  # At the very reach, rounding decides.
    np.testing.assert_array_equal(without_neighbours(positions, reach)[clear], (nearest > reach)[clear])


def test_many_positions_are_sampled() -> None:
    """Of many positions a few hundred are asked, and one far away takes no longer."""
    raster = np.stack(np.meshgrid(np.arange(200.0), np.arange(150.0)), axis=-1).reshape(-1, 2) * 3
    raster[17] = (1e6, 1e6)
    assert len(sampled_steps(raster)) == SAMPLED
    assert np.median(sampled_steps(raster)) == pytest.approx(3.0)
    assert np.flatnonzero(without_neighbours(raster, 60.0)).tolist() == [17]
