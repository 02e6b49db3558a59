"""Alignment finds what was put in: shift, ramp, phase and scale, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from ptycho.metrics.align import (
    align,
    common_area,
    even_coverage,
    phase_slope,
    registered_shift,
    scanned_area,
    twin,
)
from ptycho.physics.arrays import ShapeError
from ptycho.physics.canvas import Canvas, place


def displaced(picture, shift):
    """Cut the middle of a picture after moving its content by a sub-pixel [x, y]."""
    return ndimage.shift(picture, (shift[1], shift[0]), order=5, mode="nearest")[40:-40, 40:-40]


def ramp(shape, slope):
    """Make a phase ramp [x, y]."""
    y, x = np.indices(shape)
    return np.exp(1j * (slope[0] * x + slope[1] * y))


@settings(max_examples=15)
@given(
    shift=st.tuples(st.floats(-9, 9), st.floats(-9, 9)),
    slope=st.tuples(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3)),
    modulus=st.floats(0.1, 10),
    phase=st.floats(-3, 3),
)
def test_alignment_undoes_shift_ramp_phase_and_scale(shift, slope, modulus, phase):
    """Whatever the freedoms of the problem did to a picture, alignment takes it out."""
    rng = np.random.default_rng(3)
    parts = [ndimage.gaussian_filter(rng.standard_normal((180, 200)), 2.5) for _ in range(2)]
    truth = (0.75 + 0.12 * parts[0] / parts[0].std()) * np.exp(0.6j * parts[1] / parts[1].std())
    moved = displaced(truth, (-shift[0], -shift[1]))
    aligned = align(modulus * np.exp(1j * phase) * moved * ramp(moved.shape, slope), truth[40:-40, 40:-40])
    np.testing.assert_allclose(aligned.shift_px, shift, atol=0.03)
    np.testing.assert_allclose(aligned.ramp_rad_per_px, slope, atol=5e-4)
    assert abs(aligned.scale) == pytest.approx(1 / modulus, rel=0.01)
    assert aligned.likeness > 0.9995
    assert aligned.settled
    error = (aligned.reconstruction - aligned.reference)[aligned.mask]
    assert np.sqrt(np.mean(np.abs(error) ** 2)) < 0.02


@pytest.mark.parametrize(("contrast", "depth"), [(0.12, 0.0), (0.0, 0.6)], ids=["amplitude", "phase"])
def test_amplitude_alone_or_phase_alone_suffices(scene, contrast, depth):
    """A pure amplitude object and a pure phase object are both registered, under a ramp."""
    truth = scene(180, 180, contrast=contrast, depth=depth)
    moved = displaced(truth, (3.4, -2.7))
    aligned = align(moved * ramp(moved.shape, (0.1, -0.05)), truth[40:-40, 40:-40])
    np.testing.assert_allclose(aligned.shift_px, (-3.4, 2.7), atol=0.05)


def test_identical_pictures_need_nothing(scene):
    """Aligning a picture with itself changes nothing."""
    truth = scene(64, 80)
    aligned = align(truth, truth)
    np.testing.assert_allclose(aligned.shift_px, 0, atol=1e-3)
    assert aligned.scale == pytest.approx(1.0, abs=1e-3)
    assert aligned.likeness == pytest.approx(1.0, abs=1e-6)


def test_only_the_masked_area_counts(scene, rng):
    """Garbage outside the mask changes neither the alignment nor the area that is returned."""
    truth = scene(120, 120)
    mask = np.zeros((120, 120), bool)
    mask[20:100, 30:110] = True
    spoiled = np.where(mask, truth * np.exp(0.4j), 50 * rng.standard_normal((120, 120)))
    aligned = align(spoiled, truth, mask)
    assert aligned.mask.shape == (80, 80)
    assert aligned.corner_px == (30, 20)
    assert abs(aligned.shift_px[0]) < 0.02
    assert aligned.likeness > 0.999


def test_the_scanned_area_moves_with_the_picture(scene, rng):
    """Garbage around the scanned area does not slip into it when the picture moves by ten pixels."""
    truth = scene(200, 200)
    moved = displaced(truth, (10.0, -7.0))
    mask = np.zeros(moved.shape, bool)
    mask[20:-20, 20:-20] = True
    spoiled = np.where(mask, moved, 5 * rng.standard_normal(moved.shape))
    aligned = align(spoiled, truth[40:-40, 40:-40], mask)
    np.testing.assert_allclose(aligned.shift_px, (-10.0, 7.0), atol=0.05)
    assert aligned.likeness > 0.999


def test_noise_does_not_pull_the_shift(scene, rng):
    """With as much noise as contrast the shift is right to a tenth of a pixel."""
    truth = scene(200, 200)
    moved = displaced(truth, (1.6, 0.3))
    noise = 0.15 * (rng.standard_normal(moved.shape) + 1j * rng.standard_normal(moved.shape))
    np.testing.assert_allclose(align(moved + noise, truth[40:-40, 40:-40]).shift_px, (-1.6, -0.3), atol=0.1)


def test_registration_does_not_see_ramps(scene):
    """The shift of two pictures is the same with and without a ramp on one of them."""
    truth = scene(160, 160)
    moved, fixed = displaced(truth, (2.2, 5.1)), truth[40:-40, 40:-40]
    mask = np.ones(fixed.shape, bool)
    plain = registered_shift(moved, fixed, mask)
    tilted = registered_shift(moved * ramp(moved.shape, (0.5, -0.9)), fixed, mask)
    np.testing.assert_allclose(tilted, plain, atol=1e-6)
    np.testing.assert_allclose(plain, (-2.2, -5.1), atol=0.25)


@given(slope=st.tuples(st.floats(-2.5, 2.5), st.floats(-2.5, 2.5)))
def test_slopes_are_measured_without_unwrapping(slope):
    """Slopes of many turns across the picture are found to rounding, through a mask."""
    mask = np.ones((40, 50), bool)
    mask[:7, :9] = False
    np.testing.assert_allclose(phase_slope(ramp((40, 50), slope), mask), slope, atol=1e-9)


def test_far_pixels_make_the_slope_precise(rng):
    """Under noise as strong as the signal, a slope is still known to a few thousandths of a radian."""
    noise = rng.standard_normal((100, 100)) + 1j * rng.standard_normal((100, 100))
    slope = phase_slope(ramp((100, 100), (0.3, -0.2)) + noise, np.ones((100, 100), bool))
    np.testing.assert_allclose(slope, (0.3, -0.2), atol=3e-3)


def test_twin_has_the_same_diffraction(scene):
    """The twin of the twin is the picture, and both diffract alike."""
    picture = scene(32, 32)
    np.testing.assert_array_equal(twin(twin(picture)), picture)
    np.testing.assert_allclose(np.abs(np.fft.fft2(twin(picture))), np.abs(np.fft.fft2(picture)), atol=1e-9)


def test_scanned_area_is_a_fraction_of_the_largest_coverage():
    """One fifth of the largest coverage counts as scanned; nothing at all does not."""
    np.testing.assert_array_equal(scanned_area(np.array([0.0, 1.9, 2.0, 10.0])), [False, False, True, True])
    assert not scanned_area(np.zeros(3)).any()


def _covered(positions):
    """Lay a round spot of 24 px at each position: coverage, and the coordinates of its pixel [0, 0]."""
    spot = np.exp(-np.sum((np.indices((48, 48)) - 24) ** 2, axis=0) / 72)
    canvas = Canvas.around(positions, 48)
    return place(spot, positions, canvas), canvas.origin_px


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 99), crowd=st.integers(0, 900), sparse=st.integers(150, 300))
def test_a_crowd_leaves_the_rest_scanned(seed, crowd, sparse):
    """Whatever number of frames lies in one place, the others cover as much as without them."""
    rng = np.random.default_rng(seed)
    spread = rng.uniform(40, 160, (sparse, 2))
    positions = np.concatenate([spread, rng.normal(100, 3, (crowd, 2))])
    coverage, origin = _covered(positions)
    alone, alone_origin = _covered(spread)
    scanned = scanned_area(even_coverage(coverage, positions, origin)).sum()
    assert scanned > 0.8 * scanned_area(even_coverage(alone, spread, alone_origin)).sum()


def test_even_coverage_stays_as_it_is():
    """A raster's scanned area is a fraction of its largest coverage, rim included, as ever."""
    x, y = np.meshgrid(np.arange(40, 160, 6.0), np.arange(40, 160, 6.0))
    positions = np.stack([x.ravel(), y.ravel()], axis=1)
    coverage, origin = _covered(positions)
    even = even_coverage(coverage, positions, origin)
    np.testing.assert_array_equal(scanned_area(even), scanned_area(coverage))
    elsewhere = even_coverage(coverage, positions + 1e4, origin)
    np.testing.assert_array_equal(elsewhere, coverage)


def test_common_area_follows_the_origins(rng):
    """Pixels of the same scan coordinate meet, whatever the two origins are."""
    plane = rng.standard_normal((40, 50)) + 0j
    ours, theirs = plane[5:30, 8:45], plane[0:25, 2:40]
    coverage = np.ones(ours.shape)
    a, b, mask = common_area(ours, coverage, (8.0, 5.0), theirs, reference_origin_px=(2.0, 0.0))
    np.testing.assert_array_equal(a, b)
    assert a.shape == mask.shape == (20, 32)
    assert mask.all()


def test_halves_of_the_real_scan_align(halves, middle):
    """The Siemens halves lie a fraction of a pixel apart and have no ramp between them."""
    aligned = align(*halves, middle)
    np.testing.assert_allclose(aligned.shift_px, (0.40, -0.17), atol=0.05)
    np.testing.assert_allclose(aligned.ramp_rad_per_px, 0, atol=1e-4)
    assert aligned.settled


def test_pictures_without_common_pixels_are_refused():
    """Origins in different coordinates are told apart from a bad reconstruction."""
    with pytest.raises(ValueError, match="share no pixel") as caught:
        common_area(np.ones((4, 4)), np.ones((4, 4)), (100.0, 0.0), np.ones((8, 8)))
    assert str(caught.value) == (
        "a reconstruction of (4, 4) at (100.0, 0.0) and a reference of (8, 8) at (0.0, 0.0) share no pixel\n"
        "  expected  origins [x, y] in the same coordinates\n"
        "  try       data.position_origin = 'corner' or 'centre'"
    )


def test_shapes_that_differ_are_refused():
    """The three shapes are named."""
    with pytest.raises(ShapeError) as caught:
        align(np.ones((9, 9)), np.ones((9, 8)))
    assert str(caught.value) == (
        "a reconstruction of shape (9, 9), a reference of (9, 8) and a mask of (9, 8) cannot be compared\n"
        "  expected  one shape (H, W)\n"
        "  try       ptycho.metrics.align.common_area"
    )


def test_nan_in_the_compared_area_is_refused(scene):
    """One NaN is named with its place."""
    truth = scene(32, 32)
    bad = truth.copy()
    bad[3, 5] = np.nan
    with pytest.raises(ValueError, match="NaN") as caught:
        align(bad, truth)
    assert str(caught.value) == (
        "the reconstruction has 1 values that are NaN or infinite, the first at row 3, column 5\n"
        "  expected  finite numbers in the compared area\n"
        "  try       looking at the training loss: did it diverge?"
    )


def test_nan_outside_the_mask_is_ignored(scene):
    """What is not compared may be anything."""
    truth = scene(64, 64)
    bad = truth.copy()
    bad[0, 0] = np.nan
    mask = np.zeros((64, 64), bool)
    mask[8:-8, 8:-8] = True
    assert align(bad, truth, mask).likeness > 0.999


def test_too_small_an_area_is_refused(scene):
    """Fewer than 64 pixels are no picture."""
    mask = np.zeros((32, 32), bool)
    mask[:3, :3] = True
    with pytest.raises(ValueError, match="left to compare") as caught:
        align(scene(32, 32), scene(32, 32), mask)
    assert str(caught.value) == (
        "9 pixels are left to compare\n"
        "  expected  64 or more that are scanned in both pictures\n"
        "  try       a larger scan, or a lower coverage fraction"
    )


@given(st.integers(0, 2**32 - 1), st.integers(16, 40), st.floats(0.3, 1.0))
def test_pictures_with_nothing_in_common_are_compared(seed: int, side: int, share: float) -> None:
    """A poor picture has poor scores and no error: the shift stays where it is looked for."""
    rng = np.random.default_rng(seed)
    pictures = [
        ndimage.gaussian_filter(rng.standard_normal((side, side)), 3)
        + 1j * ndimage.gaussian_filter(rng.standard_normal((side, side)), 3)
        for _ in range(2)
    ]
    mask = rng.random((side, side)) < share
    mask[:9, :9] = True
    aligned = align(pictures[0], pictures[1], mask)
    assert np.count_nonzero(aligned.mask) >= 64
    assert np.all(np.abs(aligned.shift_px) <= 0.25 * side)
