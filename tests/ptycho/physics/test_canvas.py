"""Placing patches on the object plane and cutting them out are adjoint, sub-pixel and never wrap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.physics import canvas as canvas_module
from ptycho.physics.arrays import ShapeError
from ptycho.physics.canvas import Canvas, cut, place

seeds = st.integers(0, 10_000)


def draw(seed, n, N, reach=12.0):
    """Draw patches and positions, some of them beyond any canvas."""
    rng = np.random.default_rng(seed)
    patches = rng.standard_normal((n, N, N)) + 1j * rng.standard_normal((n, N, N))
    return rng, patches, rng.uniform(-reach, reach, (n, 2))


@given(
    seed=seeds,
    n=st.integers(1, 6),
    half=st.integers(1, 5),
    height=st.integers(1, 15),
    width=st.integers(1, 15),
)
def test_cutting_is_the_adjoint_of_placing(seed, n, half, height, width):
    """<place(p), image> = <p, cut(image)>, also for patches that lie partly or wholly outside."""
    rng, patches, positions = draw(seed, n, 2 * half)
    image = rng.standard_normal((height, width)) + 1j * rng.standard_normal((height, width))
    plane = Canvas((-3, 2), (height, width))
    left = np.vdot(place(patches, positions, plane), image)
    right = np.vdot(patches, cut(image, positions, 2 * half, origin_px=(-3, 2)))
    np.testing.assert_allclose(left, right, rtol=1e-10, atol=1e-10)


@given(seed=seeds, x=st.integers(4, 20), y=st.integers(4, 12))
def test_whole_pixel_patches_are_slices(seed, x, y):
    """A patch at (x, y) is image[y - N/2 : y + N/2, x - N/2 : x + N/2]."""
    image = np.random.default_rng(seed).standard_normal((16, 24))
    patch = cut(image, np.array([[x, y]], float), 8)[0]
    np.testing.assert_array_equal(patch, image[y - 4 : y + 4, x - 4 : x + 4])


@given(seed=seeds, fx=st.floats(0, 0.999), fy=st.floats(0, 0.999))
def test_fractions_interpolate_linearly(seed, fx, fy):
    """A plane is cut exactly at any fraction of a pixel."""
    y, x = np.mgrid[:30, :30].astype(float)
    patch = cut(3 * x + 5 * y, np.array([[14 + fx, 15 + fy]]), 8)[0]
    rows, columns = np.mgrid[:8, :8]
    np.testing.assert_allclose(patch, 3 * (columns + 10 + fx) + 5 * (rows + 11 + fy), rtol=1e-12)


@given(seed=seeds, n=st.integers(1, 8), half=st.integers(1, 6))
def test_no_patch_is_cut_off_by_its_own_canvas(seed, n, half):
    """The canvas around the positions keeps the sum of all patches."""
    _, patches, positions = draw(seed, n, 2 * half, reach=30)
    plane = Canvas.around(positions, 2 * half)
    np.testing.assert_allclose(place(patches, positions, plane).sum(), patches.sum(), atol=1e-9)


def test_canvas_around_is_no_larger_than_needed():
    """One patch at a whole pixel takes N x N; half a pixel takes one column more."""
    assert Canvas.around(np.array([[10.0, 20.0]]), 8) == Canvas((6, 16), (8, 8))
    assert Canvas.around(np.array([[10.5, 20.0]]), 8) == Canvas((6, 16), (8, 9))


def test_nothing_wraps_around(rng):
    """A patch beyond the edge leaves no trace on the other side, however far it is."""
    plane = Canvas((0, 0), (10, 10))
    far = np.array([[1e6, 5.0], [-1e6, 5.0], [5.0, 14.0], [5.0, -4.0]])
    np.testing.assert_array_equal(place(np.ones((4, 8, 8)), far, plane), np.zeros((10, 10)))
    np.testing.assert_array_equal(cut(np.ones((10, 10)), far, 8), np.zeros((4, 8, 8)))


def test_one_patch_serves_every_position(rng):
    """A single picture is placed at all positions, as its copies would be."""
    picture, positions = rng.standard_normal((6, 6)), rng.uniform(0, 20, (7, 2))
    plane = Canvas.around(positions, 6)
    copies = np.broadcast_to(picture, (7, 6, 6))
    np.testing.assert_array_equal(place(picture, positions, plane), place(copies, positions, plane))


def test_chunks_do_not_change_the_result(rng, monkeypatch):
    """Working in small pieces bounds the memory and nothing else."""
    patches, positions = rng.standard_normal((50, 8, 8)), rng.uniform(0, 40, (50, 2))
    plane = Canvas.around(positions, 8)
    whole_sum, whole_cuts = place(patches, positions, plane), cut(np.ones(plane.shape), positions, 8)
    monkeypatch.setattr(canvas_module, "_CHUNK_PIXELS", 200)
    np.testing.assert_array_equal(place(patches, positions, plane), whole_sum)
    np.testing.assert_array_equal(cut(np.ones(plane.shape), positions, 8), whole_cuts)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_placing_and_cutting_keep_the_precision(dtype):
    """The dtype that comes in goes out."""
    positions = np.array([[4.3, 4.6]])
    assert place(np.ones((1, 4, 4), dtype), positions, Canvas((0, 0), (9, 9))).dtype == dtype
    assert cut(np.ones((9, 9), dtype), positions, 4).dtype == dtype


def test_positions_of_another_number_are_refused():
    """Every patch has one position."""
    with pytest.raises(ShapeError) as caught:
        place(np.ones((3, 4, 4)), np.zeros((2, 2)), Canvas((0, 0), (9, 9)))
    assert str(caught.value) == (
        "positions has shape (2, 2)\n"
        "  expected  (3, 2)\n"
        "  try       np.stack([x, y], axis=1), one row for each patch"
    )


def test_positions_that_are_not_numbers_are_refused():
    """NaN is named with its index."""
    with pytest.raises(ValueError, match="position 1") as caught:
        Canvas.around(np.array([[1.0, 2.0], [np.nan, 3.0]]), 8)
    assert str(caught.value) == (
        "position 1 is [nan, 3.0]\n"
        "  expected  finite pixels [x, y]\n"
        "  try       leaving out the frames without a position"
    )


def test_no_positions_are_refused():
    """A canvas around nothing has no place."""
    with pytest.raises(ValueError, match="no positions") as caught:
        Canvas.around(np.zeros((0, 2)), 8)
    assert str(caught.value) == (
        "there are no positions\n  expected  one or more\n  try       a scan with frames"
    )
