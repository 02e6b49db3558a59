"""Which groups train and which judge."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.errors import ScanError
from ptycho.training.split import Sampling, split


def raster(n: int, seed: int = 0) -> np.ndarray:
    """Draw a jittered raster."""
    side = int(np.ceil(np.sqrt(n)))
    index = np.arange(n)
    path = 6.0 * np.stack([index % side, index // side], axis=1)
    return path + np.random.default_rng(seed).uniform(-1, 1, (n, 2))


@given(st.integers(12, 80), st.sampled_from([1, 2]), st.floats(0, 0.5), st.integers(1, 80), st.integers(0, 9))
def test_held_out_frames_never_train(n: int, g: int, fraction: float, wanted: int, seed: int) -> None:
    """No frame stands both in a training group and in a validation group."""
    sampling = Sampling(
        gridsize=g, neighbour_count=6, n_groups=wanted, clamped=True, seed=seed, validation_fraction=fraction
    )
    found = split(raster(n), sampling)
    assert not set(found.train.ravel()) & set(found.validation.ravel())
    assert found.train.shape[1] == found.validation.shape[1] == g * g
    assert 1 <= len(found.train) <= min(wanted, n)
    assert len(np.unique(found.validation)) == found.validation.size


def test_held_out_share_is_that_of_the_setting() -> None:
    """A fifth of 100 frames is 20 frames: 20 of one, or 5 groups of four."""
    positions = raster(100)
    single = split(positions, Sampling(n_groups=100, validation_fraction=0.2))
    grouped = split(positions, Sampling(gridsize=2, neighbour_count=5, n_groups=100, validation_fraction=0.2))
    assert (len(single.train), len(single.validation)) == (80, 20)
    assert (len(grouped.train), len(grouped.validation)) == (80, 5)
    assert single.notes == ("80 frames train, 20 frames that no training group contains judge",)


def test_share_counts_used_frames_only() -> None:
    """Of a scan of which 10 groups are used, a tenth is one frame."""
    found = split(raster(100), Sampling(n_groups=10, validation_fraction=0.1))
    assert (len(found.train), len(found.validation)) == (10, 1)


def test_validation_groups_are_compact() -> None:
    """A validation group is one frame with its nearest neighbours, as near as those of training groups."""
    positions = raster(144)
    found = split(positions, Sampling(gridsize=2, neighbour_count=4, n_groups=144, validation_fraction=0.1))
    spread = [np.ptp(positions[group], axis=0).max() for group in found.validation]
    assert max(spread) < 3 * 6.0 + 2


def test_equal_seeds_give_equal_splits() -> None:
    """The split follows from the settings alone; another seed gives another."""
    sampling = Sampling(gridsize=2, neighbour_count=6, n_groups=30, seed=3, validation_fraction=0.1)
    first, again = split(raster(60), sampling), split(raster(60), sampling)
    other = split(raster(60), dataclasses.replace(sampling, seed=4))
    assert np.array_equal(first.train, again.train)
    assert np.array_equal(first.validation, again.validation)
    assert not np.array_equal(first.train, other.train)


def test_subsampling_leaves_frames_out() -> None:
    """Only n_subsample frames stand in any group, and the choice is noted."""
    found = split(raster(60), Sampling(n_groups=60, n_subsample=20, validation_fraction=0.1))
    assert len(set(found.train.ravel()) | set(found.validation.ravel())) == 20
    assert "20 of 60 frames are used (training.n_subsample)" in found.notes


def test_sequential_takes_the_first_frames() -> None:
    """Sequential sampling trains on the first frames that are not held out."""
    found = split(raster(60), Sampling(n_groups=10, sequential=True, validation_fraction=0.1))
    rest = np.setdiff1d(np.arange(60), found.validation.ravel())
    assert found.train.ravel().tolist() == rest[:10].tolist()


def test_no_share_holds_nothing_out() -> None:
    """validation_fraction = 0 trains on every frame, and says so."""
    found = split(raster(20), Sampling(n_groups=20, validation_fraction=0))
    assert (len(found.train), len(found.validation)) == (20, 0)
    assert found.notes == ("20 frames train, none judge (training.validation_fraction = 0)",)


def test_small_scan_holds_nothing_out() -> None:
    """Where holding out would leave too few neighbours, every frame trains."""
    found = split(raster(6), Sampling(gridsize=2, neighbour_count=5, n_groups=6))
    assert len(found.validation) == 0
    assert found.notes == (
        "6 groups of 4 frames train, none judge: the scan is too small to hold frames out",
    )


def test_implicit_excess_is_clamped() -> None:
    """A default of 512 groups becomes what the scan offers, with a note."""
    found = split(raster(30), Sampling(gridsize=2, neighbour_count=6, clamped=True, validation_fraction=0))
    assert len(found.train) == 30
    assert found.notes[0] == "training.n_groups = 512 is more than the scan offers: 30 groups are drawn"


def test_explicit_excess_is_an_error() -> None:
    """Asking for more groups than points names oversampling."""
    with pytest.raises(ScanError, match="Requesting 512 groups but only 30 points"):
        split(raster(30), Sampling(gridsize=2, neighbour_count=6))


def test_oversampling_gives_more_groups_than_points() -> None:
    """With oversampling as many distinct groups are drawn as asked for."""
    sampling = Sampling(gridsize=2, neighbour_count=8, n_groups=100, oversampling=True)
    found = split(raster(40), sampling)
    assert len(np.unique(np.sort(found.train, axis=1), axis=0)) == 100
    assert not set(found.train.ravel()) & set(found.validation.ravel())
