"""Groups of neighbours: which, how many, and the same again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.errors import ScanError
from ptycho.scan import grouping
from ptycho.scan.grouping import group_centres, group_indices, relative_coordinates


def grid(side: int) -> np.ndarray:
    """Give the positions of a square raster with a little jitter."""
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    jitter = np.random.default_rng(5).uniform(-0.2, 0.2, (side * side, 2))
    return 5.0 * (np.stack([x.ravel(), y.ravel()], axis=1) + jitter)


@given(
    n=st.integers(10, 200),
    gridsize=st.integers(1, 3),
    extra=st.integers(0, 6),
    n_groups=st.integers(1, 200),
    seed=st.integers(0, 2**32 - 1),
    sequential=st.booleans(),
)
def test_groups_are_sets_of_real_neighbours(
    n: int, gridsize: int, extra: int, n_groups: int, seed: int, sequential: bool
) -> None:
    """Every group has C different members, all among the K nearest of one seed, which is left out."""
    C = gridsize**2
    K = C + extra
    positions = np.random.default_rng(n).uniform(0, 50, (n, 2))
    n_groups = min(n_groups, n)
    arguments = {"gridsize": gridsize, "neighbour_count": K, "n_groups": n_groups, "sequential": sequential}
    groups = group_indices(positions, seed=seed, **arguments)
    assert groups.shape == (n_groups, C)
    assert groups.min() >= 0
    assert groups.max() < n
    assert all(len(set(group)) == C for group in groups)
    np.testing.assert_array_equal(groups, group_indices(positions, seed=seed, **arguments))
    if C > 1 and n > C:
        distance = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
        nearest = np.argsort(distance, axis=1)[:, 1 : K + 1]
        for group in groups:
            assert any(set(group) <= set(pool) for pool in nearest)


def test_every_position_is_its_own_group() -> None:
    """With C = 1 the group is the seed; all positions, in order, when as many or more are asked for."""
    positions = grid(6)
    few = group_indices(positions, gridsize=1, neighbour_count=4, n_groups=10, seed=3)[:, 0]
    assert len(set(few)) == 10
    assert not np.array_equal(few, np.arange(10))
    for n_groups in (36, 1000):
        found = group_indices(positions, gridsize=1, neighbour_count=4, n_groups=n_groups, seed=3)
        np.testing.assert_array_equal(found[:, 0], np.arange(36))


def test_sequential_takes_the_first_seeds() -> None:
    """Sequential sampling starts at the first position and does not depend on the seed."""
    found = [
        group_indices(grid(6), gridsize=1, neighbour_count=4, n_groups=5, seed=seed, sequential=True)
        for seed in (1, 2)
    ]
    np.testing.assert_array_equal(found[0][:, 0], np.arange(5))
    np.testing.assert_array_equal(found[0], found[1])


def test_sequential_groups_surround_the_first_seeds() -> None:
    """With C > 1 the i-th group is drawn from the neighbours of position i."""
    positions = grid(8)
    groups = group_indices(positions, gridsize=2, neighbour_count=4, n_groups=20, seed=0, sequential=True)
    distance = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    for seed, group in enumerate(groups):
        assert set(group) == set(np.argsort(distance[seed])[1:5])


def test_another_seed_gives_other_groups() -> None:
    """The draws depend on the seed, and on nothing else: numpy's global state is neither read nor moved."""
    positions = grid(8)
    arguments = {"gridsize": 2, "neighbour_count": 6, "n_groups": 30}
    np.random.seed(1)  # noqa: NPY002  The state that must not matter.
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = group_indices(positions, seed=1, **arguments)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    np.random.seed(2)  # noqa: NPY002
    np.testing.assert_array_equal(group_indices(positions, seed=1, **arguments), first)
    assert not np.array_equal(group_indices(positions, seed=2, **arguments), first)


def test_all_members_are_drawn_from() -> None:
    """Over many groups every one of the K neighbours is drawn equally often."""
    positions = np.array(
        [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0], [1.5, 1.5], [90.0, 90.0]]
    )
    drawn = [
        group_indices(positions, gridsize=2, neighbour_count=5, n_groups=7, seed=seed)[0]
        for seed in range(400)
    ]
    counts = np.bincount(np.ravel(drawn), minlength=7)
    assert counts[0] == counts[6] == 0
    assert np.all(np.abs(counts[1:6] - 320) < 60)


def test_coinciding_positions_still_make_groups() -> None:
    """Positions visited twice do not break the rule that the seed is left out."""
    positions = np.repeat(grid(4), 12, axis=0)
    groups = group_indices(positions, gridsize=2, neighbour_count=4, n_groups=192, seed=0, sequential=True)
    assert groups.shape == (192, 4)
    assert all(len(set(group)) == 4 for group in groups)


def test_smallest_scan_is_one_group() -> None:
    """With as many positions as members the group is the whole scan."""
    groups = group_indices(grid(2), gridsize=2, neighbour_count=7, n_groups=4, seed=0)
    assert groups.shape == (4, 4)
    assert all(set(group) == {0, 1, 2, 3} for group in groups)


@given(n_groups=st.integers(37, 250), seed=st.integers(0, 100), pool=st.none() | st.integers(6, 8))
def test_oversampling_draws_distinct_combinations(n_groups: int, seed: int, pool: int | None) -> None:
    """More groups than positions are all different, and the same for the same seed."""
    arguments = {"gridsize": 2, "neighbour_count": 7, "oversampling": True, "pool_size": pool}
    groups = group_indices(grid(6), n_groups=n_groups, seed=seed, **arguments)
    assert groups.shape == (n_groups, 4)
    assert len({tuple(sorted(group)) for group in groups}) == n_groups
    np.testing.assert_array_equal(groups, group_indices(grid(6), n_groups=n_groups, seed=seed, **arguments))


def test_oversampling_can_draw_every_combination() -> None:
    """The last combination is found too, and one more is refused with the number that exists."""
    positions = grid(3)
    arguments = {"gridsize": 2, "neighbour_count": 8, "oversampling": True, "seed": 0}
    groups = group_indices(positions, n_groups=126, **arguments)
    assert len({tuple(sorted(group)) for group in groups}) == 126
    with pytest.raises(ScanError) as caught:
        group_indices(positions, n_groups=127, **arguments)
    assert str(caught.value) == (
        "Requesting 127 groups but only 126 different combinations of 4 neighbours exist among 9 points "
        "with a pool of 8 (OVERSAMPLING-001)\n"
        "  expected  n_groups of at most 126\n"
        "  try       n_groups = 126, or a larger neighbor_pool_size"
    )


@pytest.mark.parametrize("rounds", [0, 20])
def test_listed_and_drawn_combinations_are_alike(monkeypatch: pytest.MonkeyPatch, rounds: int) -> None:
    """Drawn at random or picked from the whole list, groups spread over the scan and over the channels."""
    monkeypatch.setattr(grouping, "ROUNDS", rounds)
    arguments = {"gridsize": 2, "neighbour_count": 6, "oversampling": True, "n_groups": 150}
    groups, other = (group_indices(grid(6), seed=seed, **arguments) for seed in (1, 2))
    assert len({tuple(sorted(group)) for group in groups}) == 150
    assert set(groups.ravel()) == set(range(36))
    assert {tuple(sorted(group)) for group in groups} != {tuple(sorted(group)) for group in other}
    assert np.all(np.abs(groups.mean(axis=0) - groups.mean()) < 3.0)


def test_excess_without_oversampling_is_refused() -> None:
    """More groups than points need oversampling to be asked for."""
    with pytest.raises(ScanError) as caught:
        group_indices(grid(3), gridsize=2, neighbour_count=7, n_groups=20)
    assert str(caught.value) == (
        "Requesting 20 groups but only 9 points (OVERSAMPLING-001)\n"
        "  expected  n_groups of at most 9, or oversampling\n"
        "  try       n_groups = 9, or enable_oversampling = true with neighbor_pool_size >= 4"
    )


def test_small_pool_is_refused() -> None:
    """A pool smaller than a group is refused."""
    with pytest.raises(ScanError) as caught:
        group_indices(grid(3), gridsize=2, neighbour_count=7, n_groups=20, oversampling=True, pool_size=3)
    assert str(caught.value) == (
        "neighbor_pool_size = 3 is smaller than a group of 4 (OVERSAMPLING-001)\n"
        "  expected  a pool of at least 4\n"
        "  try       neighbor_pool_size = 7"
    )


def test_too_few_neighbours_are_refused() -> None:
    """K must reach C."""
    with pytest.raises(ScanError) as caught:
        group_indices(grid(3), gridsize=2, neighbour_count=3, n_groups=5)
    assert str(caught.value) == (
        "K=3 must be >= C=4\n"
        "  expected  at least 4 neighbours to draw 4 from, for gridsize 2\n"
        "  try       neighbor_count = 7"
    )


def test_too_few_positions_are_refused() -> None:
    """A scan smaller than a group is refused with the gridsize that fits."""
    with pytest.raises(ScanError) as caught:
        group_indices(grid(2), gridsize=3, neighbour_count=12, n_groups=1)
    assert str(caught.value) == (
        "Dataset has only 4 points but 9 coordinates per group requested.\n"
        "  expected  at least 9 positions for gridsize 3\n"
        "  try       gridsize = 2"
    )


def test_no_groups_are_refused() -> None:
    """Asking for nothing is a mistake."""
    with pytest.raises(ScanError) as caught:
        group_indices(grid(2), gridsize=1, neighbour_count=4, n_groups=0)
    assert str(caught.value) == "n_groups = 0\n  expected  at least 1"


def test_relative_coordinates_are_negated_offsets() -> None:
    """Offsets are -(position - mean): each group sums to zero, and the mean gives the positions back."""
    positions = grid(5)
    groups = group_indices(positions, gridsize=2, neighbour_count=6, n_groups=9, seed=1)
    centres, relative = group_centres(positions, groups), relative_coordinates(positions, groups)
    np.testing.assert_allclose(relative.sum(axis=1), 0.0, atol=1e-12)
    np.testing.assert_allclose(centres[:, None] - relative, positions[groups], atol=1e-12)


@pytest.mark.slow
def test_a_million_positions_take_seconds() -> None:
    """A million positions are grouped; a quadratic search would need hours and terabytes."""
    positions = np.random.default_rng(0).uniform(0, 5000, (1_000_000, 2))
    groups = group_indices(positions, gridsize=2, neighbour_count=7, n_groups=1_000_000, seed=1)
    assert groups.shape == (1_000_000, 4)
    spread = np.abs(positions[groups] - positions[:, None]).max(axis=(1, 2))
    assert np.median(spread) < 15.0


def test_sequential_groups_need_no_seed() -> None:
    """Nothing about sequential groups is random: the neighbours are drawn alike, whatever the seed."""
    drawn = [
        group_indices(grid(6), gridsize=2, neighbour_count=6, n_groups=8, seed=seed, sequential=True)
        for seed in (None, 1, 2)
    ]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    np.testing.assert_array_equal(drawn[0], drawn[2])


def test_groups_of_nothing_are_refused() -> None:
    """A group has at least one position."""
    with pytest.raises(ScanError) as caught:
        group_indices(grid(6), gridsize=0, neighbour_count=4, n_groups=5)
    assert str(caught.value) == "gridsize = 0\n  expected  1, 2 or 3\n  try       gridsize = 1"


def test_exposures_of_one_place_are_no_group() -> None:
    """Where frames were taken four times over, a group still holds frames of different places."""
    places = np.stack(np.meshgrid(np.arange(5.0), np.arange(4.0)), axis=-1).reshape(-1, 2)
    positions = np.repeat(places, 4, axis=0)
    groups = group_indices(positions, gridsize=2, neighbour_count=6, n_groups=80, seed=3)
    for group in groups:
        assert len(np.unique(positions[group], axis=0)) == 4
    # The exposures take turns: all frames stand in groups.
    assert len(np.unique(groups)) > 60
