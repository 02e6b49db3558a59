"""How far positions lie from each other, without a tree of them: importing scipy's takes longer than this.

Shape legend: n positions, K of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLED = 512
"""Positions from which the usual step of a scan is told: its median is sure to a few percent."""

DISTANCES_AT_ONCE = 2**20


def nearest_distances(positions: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give how far the nearest of all other positions lies from some of them.

    Args:
        positions: Positions [x, y], shape (n, 2).
        rows: Indices of those that are asked about, shape (K,).

    Returns:
        Distances in the unit of the positions, infinite where there is no other one, shape (K,).
    """
    nearest = np.empty(len(rows))
    block = max(1, DISTANCES_AT_ONCE // max(1, len(positions)))
    for start in range(0, len(rows), block):
        asked = rows[start : start + block]
        x, y = (positions[asked, axis, np.newaxis] - positions[np.newaxis, :, axis] for axis in (0, 1))
        squared = x * x + y * y
        squared[np.arange(len(asked)), asked] = np.inf
        nearest[start : start + block] = np.sqrt(squared.min(axis=1))
    return nearest


def sampled_steps(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give how far the nearest other position lies from each, or from `SAMPLED` of many."""
    count = len(positions)
    rows = np.unique(np.linspace(0, count - 1, min(SAMPLED, count)).astype(np.int64))
    return nearest_distances(positions, rows)


def without_neighbours(positions: NDArray[np.float64], reach: float) -> NDArray[np.bool_]:
    """Tell which positions have no other within a reach above 0, shape (n,)."""
    # Whoever shares a square of this size with another lies within the reach of it. Few are alone there.
    cells = np.floor((positions - positions.min(axis=0)) * (np.sqrt(2) / reach))
    _, cell, shared = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    alone = np.flatnonzero(shared[cell.reshape(-1)] == 1)
    far = np.zeros(len(positions), bool)
    far[alone] = nearest_distances(positions, alone) > reach
    return far
