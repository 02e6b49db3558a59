"""Whether the frames of several scans show one sample: alike where they were taken at like places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["why_one_sample"]

Rows = "NDArray[np.int64]"
Positions = "NDArray[np.float64]"

SHARED_AREA = 0.5
"""Part of the smaller scan's area that two scans share before they may be one."""

SAMPLED_FRAMES = 96
"""Frames of each scan that are compared."""

TOLD_APART = 0.05
"""By how much frames of one scan have to be liker beside each other than far apart; else nothing is told."""


def why_one_sample(
    scans: Sequence[NDArray[np.int64]],
    positions: NDArray[np.float64],
    amplitudes: Callable[[NDArray[np.int64]], NDArray[np.float32]],
) -> str:
    """Say why several scans are parts of one; "" where they are not, or where nothing tells.

    Frames of one sample are liker the nearer they were taken to each other. Where two frames of different
    scans, taken side by side, are hardly liker than frames that lie far apart, the scans show two samples.

    Args:
        scans: Frames of each scan.
        positions: Positions [x, y] of all frames, shape (n, 2).
        amplitudes: Reads frames, shape (k, N, N).
    """
    first = scans[0]
    shares = [_shared_area(positions[first], positions[other]) for other in scans[1:]]
    if min(shares) < SHARED_AREA:
        return ""
    likenesses = [_likeness(first, other, positions, amplitudes) for other in scans[1:]]
    if any(likeness is None or likeness < 0.5 for likeness in likenesses):
        return ""
    least = min(likeness for likeness in likenesses if likeness is not None)
    return (
        f"they share {100 * min(shares):.0f} % of their area, and frames that lie side by side are as alike "
        f"across them as within ({least:.2f})"
    )


def _shared_area(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    low = np.maximum(one.min(axis=0), other.min(axis=0))
    high = np.minimum(one.max(axis=0), other.max(axis=0))
    # A pixel more on each side: a line scan has an area, too.
    smaller = min(float(np.prod(np.ptp(each, axis=0) + 1.0)) for each in (one, other))
    return float(np.prod(np.maximum(high - low + 1.0, 0.0))) / smaller


def _likeness(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    positions: NDArray[np.float64],
    amplitudes: Callable[[NDArray[np.int64]], NDArray[np.float32]],
) -> float | None:
    """Give how like neighbours of two scans are: 0 as far frames of one scan, 1 as its own neighbours."""
    # Most files hold one scan: they need not wait for scipy's trees.
    from scipy.spatial import cKDTree

    tree = cKDTree(positions[second])
    some = first[np.unique(np.linspace(0, len(first) - 1, min(SAMPLED_FRAMES, len(first))).astype(np.int64))]
    distance, nearest = tree.query(positions[some])
    across = second[np.asarray(nearest)]
    # The partner within the first scan lies at least as far away: nearer ones would be liker by themselves.
    own = cKDTree(positions[first])
    reach = min(len(first), SAMPLED_FRAMES)
    away, candidates = (np.asarray(found) for found in own.query(positions[some], k=reach))
    beyond = (away >= np.asarray(distance)[:, np.newaxis]) & (away > 0)
    within = first[candidates[np.arange(len(some)), np.argmax(beyond, axis=1)]]
    far = first[candidates[:, -1]]
    frames = _Deviations(amplitudes, (some, across, within, far))
    beside, apart, joint = (frames.likeness(some, other) for other in (within, far, across))
    if beside - apart < TOLD_APART:
        return None
    return (joint - apart) / (beside - apart)


class _Deviations:
    """Frames as deviations from the mean frame of their scan, of length 1.

    Args:
        amplitudes: Reads frames.
        groups: Frames that will be asked for, those of one scan in each.
    """

    def __init__(
        self,
        amplitudes: Callable[[NDArray[np.int64]], NDArray[np.float32]],
        groups: tuple[NDArray[np.int64], ...],
    ) -> None:
        some, across, within, far = groups
        self._vectors: dict[int, NDArray[Any]] = {}
        for rows in (np.unique(np.concatenate([some, within, far])), np.unique(across)):
            block = amplitudes(rows).reshape(len(rows), -1).astype(np.float64)
            block -= block.mean(axis=0)
            block /= np.maximum(np.linalg.norm(block, axis=1, keepdims=True), 1e-300)
            self._vectors |= dict(zip(rows.tolist(), block, strict=True))

    def likeness(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
        """Correlate frame by frame, and take the median: no few frames decide."""
        pairs = zip(one.tolist(), other.tolist(), strict=True)
        return float(np.median([self._vectors[a] @ self._vectors[b] for a, b in pairs]))
