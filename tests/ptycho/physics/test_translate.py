"""Translations: direction, zeros, adjoint, there and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.physics.arrays import ShapeError
from ptycho.physics.translate import translate

shifts = st.tuples(st.floats(-12, 12), st.floats(-12, 12))
whole = st.tuples(st.integers(-12, 12), st.integers(-12, 12))
seeds = st.integers(0, 10_000)


def noise(seed, *shape):
    """Draw complex noise."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def test_content_moves_by_plus_d_in_x_and_y():
    """By d = [2, -1], a point goes two columns right and one row up."""
    image = np.zeros((7, 9))
    image[3, 4] = 1.0
    expected = np.zeros((7, 9))
    expected[2, 6] = 1.0
    np.testing.assert_array_equal(translate(image, [2, -1]), expected)


def test_half_a_pixel_splits_a_point_in_two():
    """Bilinear: [0.25, 0] leaves three quarters and hands one quarter to the right."""
    image = np.zeros((3, 5))
    image[1, 2] = 1.0
    np.testing.assert_allclose(translate(image, [0.25, 0.0])[1], [0, 0, 0.75, 0.25, 0])


@given(seed=seeds, d=shifts)
def test_moving_back_is_the_adjoint(seed, d):
    """<T(d) x, y> = <x, T(-d) y>, fractions and edges included."""
    x, y = noise(seed, 8, 11), noise(seed + 1, 8, 11)
    back = translate(y, (-d[0], -d[1]))
    np.testing.assert_allclose(np.vdot(translate(x, d), y), np.vdot(x, back), rtol=1e-10, atol=1e-10)


@given(seed=seeds, d=whole)
def test_whole_pixels_there_and_back_restore_the_inside(seed, d):
    """What did not leave the frame comes back exactly; what left is zero."""
    image = noise(seed, 13, 10)
    back = translate(translate(image, d), (-d[0], -d[1]))
    y, x = np.mgrid[:13, :10]
    stayed = (y + d[1] >= 0) & (y + d[1] < 13) & (x + d[0] >= 0) & (x + d[0] < 10)
    np.testing.assert_array_equal(back, np.where(stayed, image, 0))


@given(seed=seeds, d=shifts)
def test_sum_survives_inside_the_frame(seed, d):
    """Content that stays in the frame keeps its sum."""
    image = np.zeros((40, 40), complex)
    image[15:25, 15:25] = noise(seed, 10, 10)
    np.testing.assert_allclose(translate(image, d).sum(), image.sum(), atol=1e-10)


@given(d=shifts)
def test_a_plane_moves_exactly(d):
    """Bilinear interpolation is exact on a linear picture, away from the zeros that flow in."""
    y, x = np.mgrid[:40, :40].astype(float)
    moved = translate(2 * x - 3 * y, d)
    inside = (slice(14, 26),) * 2
    np.testing.assert_allclose(moved[inside], (2 * (x - d[0]) - 3 * (y - d[1]))[inside], atol=1e-9)


@given(seed=seeds, a=whole, b=whole)
def test_whole_steps_add_up(seed, a, b):
    """T(a) T(b) = T(a + b) where nothing was lost on the way."""
    image = np.zeros((60, 60))
    image[28:32, 28:32] = noise(seed, 4, 4).real
    both = translate(translate(image, a), b)
    np.testing.assert_array_equal(both, translate(image, (a[0] + b[0], a[1] + b[1])))


@given(seed=seeds, many=st.integers(1, 4))
def test_each_image_takes_its_own_displacement(seed, many):
    """One displacement for each image equals a loop over them."""
    images = noise(seed, many, 6, 6)
    d = np.random.default_rng(seed).uniform(-3, 3, (many, 2))
    expected = np.stack([translate(image, step) for image, step in zip(images, d, strict=True)])
    np.testing.assert_array_equal(translate(images, d), expected)


def test_far_translations_leave_zero():
    """Beyond the frame nothing is left, and nothing wraps around."""
    for d in ([9, 0], [0, -9], [100.5, 100.5]):
        np.testing.assert_array_equal(translate(np.ones((8, 8)), d), np.zeros((8, 8)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_precision_is_kept_by_translation(dtype):
    """The dtype that comes in goes out."""
    assert translate(np.ones((4, 4), dtype), [0.3, 1]).dtype == dtype


def test_displacements_of_the_wrong_number_are_refused():
    """Three displacements do not move two images."""
    with pytest.raises(ShapeError) as caught:
        translate(np.ones((2, 4, 4)), np.zeros((3, 2)))
    assert str(caught.value) == (
        "d has shape (3, 2)\n  expected  (2, 2)\n  try       one [dx, dy] for each image, or one for all"
    )


def test_a_displacement_is_a_pair():
    """[dx, dy], not one number nor three."""
    with pytest.raises(ShapeError) as caught:
        translate(np.ones((4, 4)), [1.0, 2.0, 3.0])
    assert str(caught.value) == "d has shape (3,)\n  expected  (2,)\n  try       [dx, dy]"
