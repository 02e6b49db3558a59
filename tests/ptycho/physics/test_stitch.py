"""Merging and stitching: constants stay, consistent patches give the object back, no weight means zero."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.physics.arrays import ShapeError
from ptycho.physics.canvas import Canvas, cut, place
from ptycho.physics.limits import COVERAGE_FLOOR
from ptycho.physics.stitch import (
    canvas_side,
    extract_group,
    merge_group,
    stitch,
)
from ptycho.physics.synchronise import synchronise_phases

seeds = st.integers(0, 10_000)
groups = st.integers(1, 9)


def offsets(seed, count, reach=6.0):
    """Draw relative coordinates of a group; their mean is zero, as that of group mean minus position is."""
    relative = np.random.default_rng(seed).uniform(-reach, reach, (count, 2))
    return relative - relative.mean(axis=0)


def noise(seed, *shape):
    """Draw complex noise."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


@given(seed=seeds, count=groups)
def test_merging_is_the_adjoint_of_extraction(seed, count):
    """With one weight everywhere, merge times summed weight is the adjoint of extract."""
    N, relative = 8, offsets(seed, count)
    side = canvas_side(relative, N)
    patches, canvas = noise(seed, count, N, N), noise(seed + 1, side, side)
    margin = (side - N) // 2
    total = extract_total(relative, N, side, margin)
    merged = merge_group(patches, relative, np.ones((N, N))) * total
    reached = total > COVERAGE_FLOOR * total.max()
    left = np.vdot(merged, np.where(reached, canvas, 0))
    right = np.vdot(patches, extract_group(np.where(reached, canvas, 0), relative, N))
    np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9)


def extract_total(relative, N, side, margin):
    """Sum the bilinear footprints of all positions of a group, by placing ones."""
    middle = np.full(2, margin + N // 2)
    return place(np.ones((len(relative), N, N)), middle - relative, Canvas((0, 0), (side, side)))


@given(seed=seeds, count=groups)
def test_no_position_of_a_group_is_cut_off(seed, count):
    """The canvas holds the whole footprint of every patch, at any offset."""
    N, relative = 8, offsets(seed, count, reach=15)
    side = canvas_side(relative, N)
    total = extract_total(relative, N, side, (side - N) // 2)
    assert total.sum() == pytest.approx(count * N * N, rel=1e-10)


@given(seed=seeds, count=groups)
def test_merging_consistent_patches_gives_the_object(seed, count):
    """Patches cut from one object at whole pixels merge to that object wherever a patch reaches."""
    N = 8
    relative = np.rint(offsets(seed, count))
    side = canvas_side(relative, N)
    truth = noise(seed, side, side)
    patches = extract_group(truth, relative, N)
    merged = merge_group(patches, relative, np.ones((N, N)))
    reached = merge_group(np.ones_like(patches), relative, np.ones((N, N))) != 0
    np.testing.assert_allclose(merged[reached], truth[reached], rtol=1e-12)
    np.testing.assert_array_equal(merged[~reached], 0)
    np.testing.assert_allclose(extract_group(merged, relative, N), patches, rtol=1e-12)


def test_patches_are_placed_at_minus_relative():
    """A position right of the mean has a negative relative x and lands right of the middle."""
    patches = np.zeros((2, 4, 4), complex)
    patches[:, 2, 2] = [1.0, 1j]
    relative = np.array([[-3.0, 1.0], [3.0, -1.0]])
    canvas = merge_group(patches, relative, np.ones((4, 4)))
    assert canvas.shape == (10, 10)
    assert canvas[5 - 1, 5 + 3] == 1.0
    assert canvas[5 + 1, 5 - 3] == 1j


def test_groups_merge_one_by_one(waves):
    """A batch of groups is refused: each group has a canvas of its own, at any batch size."""
    with pytest.raises(ShapeError) as caught:
        merge_group(waves(0, 6, 4, 8, 8), np.zeros((4, 2)), np.ones((8, 8)))
    assert str(caught.value) == (
        "patches has shape (6, 4, 8, 8)\n  expected  (C, 8, 8)\n  try       one group at a time"
    )


def test_channels_of_a_group_are_not_averaged(waves):
    """Patches that do not overlap come back each as it was."""
    N, relative = 8, np.array([[-8.0, 0.0], [8.0, 0.0]])
    patches = waves(0, 2, N, N)
    merged = merge_group(patches, relative, np.ones((N, N)))
    np.testing.assert_allclose(extract_group(merged, relative, N), patches, rtol=1e-12)


@given(seed=seeds, count=groups)
def test_merged_values_never_exceed_the_patches(seed, count):
    """A weighted mean amplifies nothing, however small the weights: |merge| <= max |patch|."""
    N = 8
    rng = np.random.default_rng(seed)
    weights = 10.0 ** rng.uniform(-40, 0, (N, N))
    patches = noise(seed, count, N, N)
    merged = merge_group(patches, offsets(seed, count), weights)
    assert np.isfinite(merged).all()
    assert np.abs(merged).max() <= np.abs(patches).max() * (1 + 1e-9)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_unweighted_pixels_are_zero(dtype, waves):
    """Where no weight reaches, the picture is exactly zero in either precision."""
    weights = np.zeros((8, 8))
    weights[2:6, 2:6] = 1.0
    patches = 1e6 * waves(0, 1, 8, 8).astype(dtype)
    merged = merge_group(patches, np.zeros((1, 2)), weights)
    assert merged.dtype == dtype
    np.testing.assert_array_equal(merged[weights == 0], 0)
    np.testing.assert_allclose(merged[2:6, 2:6], patches[0, 2:6, 2:6], rtol=1e-6)


def test_each_patch_may_have_its_own_weights(waves):
    """A patch of weight zero does not enter; the other one stands alone."""
    patches = waves(0, 2, 8, 8)
    weights = np.stack([np.ones((8, 8)), np.zeros((8, 8))])
    np.testing.assert_allclose(merge_group(patches, np.zeros((2, 2)), weights), patches[0], rtol=1e-12)


@given(seed=seeds, n=st.integers(1, 12), value=st.complex_numbers(min_magnitude=0.1, max_magnitude=10))
def test_stitching_a_constant_gives_the_constant(seed, n, value):
    """At any sub-pixel positions and weights, a constant stays that constant where it is covered."""
    rng = np.random.default_rng(seed)
    positions, weights = rng.uniform(0, 25, (n, 2)), rng.uniform(0, 1, (8, 8))
    stitched = stitch(np.full((n, 8, 8), value), positions, weights)
    covered = stitched.object != 0
    np.testing.assert_allclose(stitched.object[covered], value, rtol=1e-9)
    assert covered.sum() >= 64 * 0.8


@given(seed=seeds)
def test_stitching_whole_pixel_patches_gives_the_object(seed):
    """Cut at whole pixels and stitched, the object comes back exactly, at its place."""
    rng = np.random.default_rng(seed)
    truth = noise(seed, 40, 50)
    positions = np.stack([rng.integers(5, 45, 300), rng.integers(5, 35, 300)], axis=1).astype(float)
    stitched = stitch(cut(truth, positions, 10), positions, rng.uniform(0.1, 1, (10, 10)))
    x, y = stitched.origin_px
    height, width = stitched.object.shape
    expected = truth[y : y + height, x : x + width]
    covered = stitched.coverage > 0
    np.testing.assert_allclose(stitched.object[covered], expected[covered], rtol=1e-9)


def test_true_patches_stitch_to_the_truth_at_sub_pixel(rng, scene):
    """Interpolated twice, a smooth object is still itself to a few per mille."""
    truth = scene(90, 90)
    positions = rng.uniform(20, 70, (500, 2))
    y, x = np.mgrid[:32, :32] - 16
    weights = np.exp(-(x**2 + y**2) / 60)
    stitched = stitch(cut(truth, positions, 32), positions, weights, canvas=Canvas((0, 0), truth.shape))
    well = stitched.coverage > 0.2 * stitched.coverage.max()
    assert np.abs(stitched.object - truth)[well].mean() < 0.02
    assert stitched.origin_px == (0, 0)


def test_coverage_counts_full_patches(rng):
    """Coverage is the sum of weights in units of the largest: ten full patches make 10."""
    stitched = stitch(np.ones((10, 4, 4), complex), np.full((10, 2), 7.0), np.full((4, 4), 0.3))
    np.testing.assert_allclose(stitched.coverage, 10.0, rtol=1e-6)
    assert stitched.coverage.dtype == np.float32


def test_scale_of_the_weights_does_not_matter(waves, rng):
    """Only ratios of weights count."""
    patches, positions, weights = waves(0, 5, 8, 8), rng.uniform(0, 9, (5, 2)), rng.uniform(0, 1, (8, 8))
    small, large = (stitch(patches, positions, factor * weights) for factor in (1e-20, 1e20))
    np.testing.assert_allclose(small.object, large.object, rtol=1e-9)
    np.testing.assert_allclose(small.coverage, large.coverage, rtol=1e-6)


def test_every_position_contributes_its_own_patch(waves):
    """Two positions far apart keep their two patches."""
    patches = waves(0, 2, 4, 4)
    stitched = stitch(patches, np.array([[2.0, 2.0], [12.0, 2.0]]), np.ones((4, 4)))
    np.testing.assert_array_equal(stitched.object[:, :4], patches[0])
    np.testing.assert_array_equal(stitched.object[:, -4:], patches[1])
    np.testing.assert_array_equal(stitched.object[:, 4:-4], 0)


@pytest.mark.parametrize("join", [stitch, synchronise_phases], ids=["stitch", "synchronise"])
def test_nan_in_one_pixel_is_named_not_spread(join, waves):
    """One NaN is an error that names the patch; it never turns the picture into NaN."""
    patches = waves(0, 3, 4, 4)
    patches[1, 1, 2] = np.nan
    with pytest.raises(ValueError, match="patch 1") as caught:
        join(patches, np.array([[2.0, 2.0], [3.0, 2.0], [4.0, 4.0]]), np.ones((4, 4)))
    assert str(caught.value) == (
        "patch 1 holds 1 values that are NaN or infinite\n"
        "  expected  finite numbers\n"
        "  try       looking at the training loss: did it diverge?"
    )


@pytest.mark.slow
def test_ten_thousand_patches_take_seconds():
    """10^4 patches of 64² at sub-pixel positions are stitched in well under ten seconds."""
    rng = np.random.default_rng(0)
    patches = np.ones((10_000, 64, 64), np.complex64)
    begin = time.process_time()
    stitched = stitch(patches, rng.uniform(0, 800, (10_000, 2)), np.ones((64, 64), np.float32))
    assert time.process_time() - begin < 10
    assert stitched.object.dtype == np.complex64


@pytest.mark.parametrize("join", [stitch, synchronise_phases], ids=["stitch", "synchronise"])
@pytest.mark.parametrize(
    ("weights", "range_"),
    [
        (np.zeros((4, 4)), "0.0 and 0.0"),
        (np.full((4, 4), -1.0), "-1.0 and -1.0"),
        (np.full((4, 4), np.nan), "nan and nan"),
    ],
    ids=["zero", "negative", "nan"],
)
def test_weights_that_cannot_divide_are_refused(join, weights, range_):
    """Weights are finite, not negative, and not all zero."""
    with pytest.raises(ValueError, match="weights lie between") as caught:
        join(np.ones((1, 4, 4), complex), np.zeros((1, 2)), weights)
    assert str(caught.value) == (
        f"the weights lie between {range_}\n"
        "  expected  finite weights, none negative, at least one above zero\n"
        "  try       |P|² of the probe, or a window"
    )


def test_weights_of_another_side_are_refused():
    """One weight for each pixel of a patch."""
    with pytest.raises(ShapeError) as caught:
        stitch(np.ones((1, 4, 4), complex), np.zeros((1, 2)), np.ones((5, 5)))
    assert str(caught.value) == (
        "weights has shape (5, 5)\n  expected  (4, 4)\n  try       one weight for each patch pixel"
    )
