"""Iterations: they fit, they respect masks, and their building blocks obey their laws."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from ptycho.physics.sweeps import Frames, Steps
from ptycho.tf.iteration import Estimate, shift


@given(dx=st.floats(-3, 3), dy=st.floats(-3, 3))
@settings(max_examples=25)
def test_fourier_shift_there_and_back(dx, dy):
    """Moving by d and by -d is the identity, and energy stays."""
    rng = np.random.default_rng(0)
    waves = rng.standard_normal((2, 1, 16, 16)) + 1j * rng.standard_normal((2, 1, 16, 16))
    d = tf.constant([[dx, dy]] * 2, tf.float64)
    moved = shift(tf.constant(waves), d)
    np.testing.assert_allclose(shift(moved, -d), waves, atol=1e-12)
    assert np.sum(np.abs(moved) ** 2) == pytest.approx(np.sum(np.abs(waves) ** 2), rel=1e-12)


def test_fourier_shift_moves_right_and_down():
    """Whole pixels: content follows [x, y] = (column, row), and one wave is moved by each offset."""
    wave = np.zeros((1, 1, 8, 8), np.complex64)
    wave[0, 0, 2, 3] = 1
    moved = shift(tf.constant(wave), tf.constant([[2.0, 1.0], [0.0, 3.0]])).numpy()
    assert moved[0, 0, 3, 5].real == pytest.approx(1, abs=1e-5)
    assert moved[1, 0, 5, 3].real == pytest.approx(1, abs=1e-5)


def test_truth_is_a_fixed_point(scanned):
    """Where every amplitude is explained, a sweep moves nothing."""
    scan = scanned()
    estimate = Estimate(Frames(scan.frames, scan.positions), scan.truth, scan.origin, scan.probe)
    misfit = estimate.sweep(learn_probe=True)
    assert misfit < 1e-10
    assert np.abs(estimate.picture - scan.truth).max() < 1e-3


@pytest.mark.parametrize("modes", [1, 2])
def test_sweeps_lower_the_misfit(scanned, modes):
    """From a flat object the misfit falls by two orders of magnitude."""
    scan = scanned(modes=modes)
    flat = np.full_like(scan.truth, 0.7)
    estimate = Estimate(Frames(scan.frames, scan.positions), flat, scan.origin, scan.probe)
    misfits = [estimate.sweep() for _ in range(30)]
    assert misfits[-1] < 0.01 * misfits[0]


def test_bad_pixels_do_not_pull(scanned):
    """A hot masked pixel, or one that is not a number, leaves the same object as no hot pixel."""
    scan = scanned()
    good = np.ones((32, 32), bool)
    good[16, 17] = False
    flat = np.full_like(scan.truth, 0.7)
    pictures = []
    for wild in (0.0, 1e5, np.nan):
        spoilt = scan.X.copy()
        spoilt[:, 16, 17] = wild
        estimate = Estimate(Frames(spoilt.__getitem__, scan.positions, good), flat, scan.origin, scan.probe)
        estimate.sweep()
        pictures.append(estimate.picture)
    np.testing.assert_array_equal(pictures[0], pictures[1])
    np.testing.assert_array_equal(pictures[0], pictures[2])


def test_the_same_seed_sweeps_alike(scanned):
    """Order is drawn from the seed alone."""
    scan = scanned()
    flat = np.full_like(scan.truth, 0.7)
    runs = []
    for seed in (1, 1, 2):
        estimate = Estimate(
            Frames(scan.frames, scan.positions), flat, scan.origin, scan.probe, Steps(seed=seed)
        )
        estimate.sweep()
        runs.append(estimate.picture)
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_the_start_is_left_alone(scanned):
    """An estimate moves copies."""
    scan = scanned()
    flat, probe = np.full_like(scan.truth, 0.7), scan.probe.copy()
    estimate = Estimate(Frames(scan.frames, scan.positions), flat, scan.origin, probe)
    estimate.sweep(learn_probe=True)
    assert (flat == np.complex64(0.7)).all()
    np.testing.assert_array_equal(probe, scan.probe)
    assert not np.array_equal(estimate.read()[1], probe)


def test_a_patch_beyond_the_picture_is_an_error():
    """The error says how large the picture is and how to get a fitting one."""
    with pytest.raises(ValueError, match="beyond the picture") as error:
        Estimate(
            Frames(lambda i: np.zeros((len(i), 8, 8), np.float32), np.array([[20.0, 4.0]])),
            np.ones((10, 10), np.complex64),
            (0, 0),
            np.ones((1, 8, 8), np.complex64),
        )
    assert str(error.value) == (
        "a patch lies beyond the picture of 10 x 10 pixels\n"
        "  expected  every position at least N/2 pixels inside\n"
        "  try       canvas_of(positions, N) for origin and shape"
    )
