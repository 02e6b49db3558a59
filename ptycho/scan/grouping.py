"""Groups of neighbouring positions: the C = gridsize^2 frames that the network sees together."""

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ptycho.errors import ScanError
from ptyconf.errors import error_text

__all__ = [
    "group_centres",
    "group_indices",
    "nearest_others",
    "relative_coordinates",
    "require_overlap",
    "share_out",
]

Positions = NDArray[np.float64]
Indices = NDArray[np.int64]

EXHAUSTIVE_LIMIT = 4_000_000
"""Combinations that are cheap enough to list when random draws keep meeting the same ones."""

HASH_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""Odd, with well-mixed bits: 2^64 divided by the golden ratio."""

ROUNDS = 20
"""Rounds of random draws before the combinations are listed."""


def group_indices(
    positions: Positions,
    *,
    gridsize: int,
    neighbour_count: int,
    n_groups: int,
    seed: int | None = None,
    sequential: bool = False,
    oversampling: bool = False,
    pool_size: int | None = None,
) -> Indices:
    """Draw groups of C = gridsize^2 neighbouring positions.

    A group belongs to a seed position; seeds are drawn without replacement. With C = 1 the group is its
    seed; otherwise it is C of the seed's nearest neighbours, the seed itself left out. The same seed number
    gives the same groups.

    Args:
        positions: [x, y], shape (n, 2).
        gridsize: Side of a group.
        neighbour_count: How many nearest neighbours C are drawn from.
        n_groups: How many groups; all positions, in order, serve as seeds when there are no more of them.
        seed: Seed of the random draws; None takes fresh entropy.
        sequential: Take the first n_groups positions as seeds, and draw their neighbours with seed 0,
            whatever `seed` says, so that nothing about it is random.
        oversampling: Allow more groups than positions, by distinct combinations of C.
        pool_size: Neighbours that oversampling draws from; None takes neighbour_count.

    Returns:
        Indices of positions, shape (groups, C).

    Raises:
        ScanError: There are too few neighbours or positions, or more groups are asked for than exist.
    """
    n, C = len(positions), gridsize**2
    _refuse_impossible(n, gridsize, neighbour_count, n_groups)
    rng = np.random.default_rng(0 if sequential else seed)
    if n_groups > n and C > 1:
        pool = neighbour_count if pool_size is None else pool_size
        _refuse_oversampling(n, C, n_groups, pool if oversampling else None)
        return _oversample(positions, C, pool, n_groups, rng)
    if n_groups >= n or sequential:
        seeds = np.arange(min(n_groups, n))
    else:
        seeds = rng.choice(n, n_groups, replace=False)
    if C == 1:
        return seeds[:, np.newaxis]
    return _draw(nearest_others(positions, seeds, neighbour_count, C), C, rng)


def share_out(total: int, sizes: Sequence[int]) -> list[int]:
    """Share a number of groups out among scans by their sizes; the shares add up to it.

    Args:
        total: How many.
        sizes: Frames of each scan.
    """
    # The difference of rounded running sums leaves nothing over, whatever the sizes are.
    ends = np.rint(total * np.cumsum(sizes) / max(sum(sizes), 1)).astype(np.int64)
    shares: list[int] = np.diff(ends, prepend=0).tolist()
    return shares


def group_centres(positions: Positions, groups: Indices) -> Positions:
    """Average the positions of every group.

    Returns:
        [x, y], shape (groups, 2).
    """
    centres: Positions = positions[groups].mean(axis=1)
    return centres


def relative_coordinates(positions: Positions, groups: Indices) -> Positions:
    """Give every member's offset from its group's mean, negated: -(position - mean).

    Returns:
        [x, y], shape (groups, C, 2); every group sums to zero.
    """
    members = positions[groups]
    relative: Positions = members.mean(axis=1, keepdims=True) - members
    return relative


def require_overlap(positions: Positions, groups: Indices, N: int) -> str | None:
    """Accept groups of which most see a common piece of the object; grouping is in vain without it.

    Args:
        positions: [x, y] in pixels, shape (n, 2).
        groups: Indices of positions, shape (groups, C).
        N: Side of a patch.

    Returns:
        What is to be said where some groups share nothing, or None.

    Raises:
        ScanError: In most groups even the closest two patches lie beside each other.
    """
    if groups.shape[1] == 1:
        return None
    closest = np.full(len(groups), np.inf)
    for one, other in combinations(groups.T, 2):
        apart = np.abs(positions[one] - positions[other]).max(axis=1)
        np.minimum(closest, apart, out=closest)
    lone = int(np.count_nonzero(closest >= N))
    counted = f"{lone} of {len(groups)} groups hold patches that do not overlap"
    if 2 * lone > len(groups):
        raise ScanError(
            error_text(
                f"{counted}: even the closest two of a group are {np.median(closest):.4g} px apart",
                expected=f"neighbouring positions less than {N} px apart, the side of a patch, for gridsize "
                f"{math.isqrt(groups.shape[1])}",
                hint="model.gridsize = 1, or positions in pixels of the object if these are in other units",
            )
        )
    return counted if lone else None


def nearest_others(positions: Positions, seeds: Indices, count: int, C: int) -> Indices:
    """Find each seed's nearest positions, itself left out unless nothing else completes a group.

    Of several exposures of one place one alone is taken where there are more than C places.

    Args:
        positions: [x, y], shape (n, 2).
        seeds: Which positions lead groups, shape (B,).
        count: How many neighbours.
        C: How many of them a group needs.

    Returns:
        Indices of positions, shape (B, K); K is the count, or all others where there are fewer.
    """
    n = len(positions)
    if n == C:
        return np.broadcast_to(np.arange(n), (len(seeds), n)).copy()
    # As complex numbers pairs are sorted five times as fast as along an axis.
    places, place = np.unique(positions[:, 0] + 1j * positions[:, 1], return_inverse=True)
    if C < len(places) < n:
        # Exposures of one place see the same piece of the object: a group of them is no group.
        distinct = np.stack([places.real, places.imag], axis=1)
        return _exposures(place, seeds, nearest_others(distinct, place[seeds], count, C))
    count = min(count, n - 1)
    nearest = _nearest(positions, seeds, count + 1)
    itself = nearest == seeds[:, np.newaxis]
    # Where positions coincide the seed may not be among its own nearest; the farthest is then left out.
    itself[~itself.any(axis=1), -1] = True
    others: Indices = nearest[~itself].reshape(len(seeds), count)
    return others


def _exposures(place: Indices, seeds: Indices, neighbours: Indices) -> Indices:
    """Give a frame of each neighbouring place: of several exposures the one that comes as the seed does.

    Args:
        place: Place of every frame, shape (n,).
        seeds: Frames that lead groups, shape (B,).
        neighbours: Places beside each, shape (B, K).
    """
    order = np.argsort(place, kind="stable")
    counts = np.bincount(place)
    starts = np.cumsum(counts) - counts
    turn = np.empty(len(place), np.int64)
    turn[order] = np.arange(len(place)) - starts[place[order]]
    frames: Indices = order[starts[neighbours] + turn[seeds][:, np.newaxis] % counts[neighbours]]
    return frames


def _nearest(positions: Positions, seeds: Indices, count: int) -> Indices:
    """Query the positions nearest to every seed, in the tree's own order: thrice as fast as at random."""
    from scipy.spatial import cKDTree

    tree = cKDTree(positions)
    rank = np.empty(len(positions), np.int64)
    rank[tree.indices] = np.arange(len(positions))
    order = np.argsort(rank[seeds])
    nearest = np.empty((len(seeds), count), np.int64)
    nearest[order] = tree.query(positions[seeds[order]], k=count)[1]
    return nearest


def _draw(pools: Indices, C: int, rng: np.random.Generator) -> Indices:
    """Draw C different columns of every row."""
    order = rng.random(pools.shape).argsort(axis=1)[:, :C]
    return np.take_along_axis(pools, order, axis=1)


def _oversample(positions: Positions, C: int, pool: int, n_groups: int, rng: np.random.Generator) -> Indices:
    """Draw distinct C-combinations until there are enough, or list them all."""
    n = len(positions)
    pools = nearest_others(positions, np.arange(n), pool, C)
    distinct = np.empty((0, C), np.int64)
    for _ in range(ROUNDS):
        seeds = rng.integers(n, size=2 * n_groups)
        drawn = np.sort(_draw(pools[seeds], C, rng), axis=1)
        distinct = _unique(np.concatenate([distinct, drawn]))
        if len(distinct) >= n_groups:
            break
    else:
        distinct = _all_combinations(pools, C, distinct)
    if len(distinct) < n_groups:
        raise ScanError(
            error_text(
                f"Requesting {n_groups} groups but only {len(distinct)} different combinations of {C} "
                f"neighbours exist among {n} points with a pool of {pools.shape[1]} (OVERSAMPLING-001)",
                expected=f"n_groups of at most {len(distinct)}",
                hint=f"n_groups = {len(distinct)}, or a larger neighbor_pool_size",
            )
        )
    chosen = distinct[rng.choice(len(distinct), n_groups, replace=False)]
    return rng.permuted(chosen, axis=1)


def _unique(rows: Indices) -> Indices:
    """Keep one of equal rows, told apart by a 64-bit hash: a collision may cost a row, never repeat one."""
    key = np.zeros(len(rows), np.uint64)
    for column in rows.T.astype(np.uint64):
        key = (key ^ column) * HASH_FACTOR
        key ^= key >> np.uint64(29)
    first: Indices = rows[np.sort(np.unique(key, return_index=True)[1])]
    return first


def _all_combinations(pools: Indices, C: int, known: Indices) -> Indices:
    columns = math.comb(pools.shape[1], C)
    if len(pools) * columns > EXHAUSTIVE_LIMIT:
        return known
    picks = np.array(list(combinations(range(pools.shape[1]), C)))
    return _unique(np.sort(pools[:, picks].reshape(-1, C), axis=1))


def _refuse_impossible(n: int, gridsize: int, K: int, n_groups: int) -> None:
    C = gridsize**2
    if gridsize < 1:
        raise ScanError(error_text(f"gridsize = {gridsize}", expected="1, 2 or 3", hint="gridsize = 1"))
    if n_groups < 1:
        raise ScanError(error_text(f"n_groups = {n_groups}", expected="at least 1"))
    if n < C:
        raise ScanError(
            error_text(
                f"Dataset has only {n} points but {C} coordinates per group requested.",
                expected=f"at least {C} positions for gridsize {gridsize}",
                hint=f"gridsize = {math.isqrt(n)}",
            )
        )
    if C > 1 and K < C:
        raise ScanError(
            error_text(
                f"K={K} must be >= C={C}",
                expected=f"at least {C} neighbours to draw {C} from, for gridsize {gridsize}",
                hint=f"neighbor_count = {C + 3}",
            )
        )


def _refuse_oversampling(n: int, C: int, n_groups: int, pool: int | None) -> None:
    if pool is None:
        raise ScanError(
            error_text(
                f"Requesting {n_groups} groups but only {n} points (OVERSAMPLING-001)",
                expected=f"n_groups of at most {n}, or oversampling",
                hint=f"n_groups = {n}, or enable_oversampling = true with neighbor_pool_size >= {C}",
            )
        )
    if pool < C:
        raise ScanError(
            error_text(
                f"neighbor_pool_size = {pool} is smaller than a group of {C} (OVERSAMPLING-001)",
                expected=f"a pool of at least {C}",
                hint=f"neighbor_pool_size = {C + 3}",
            )
        )
