"""Patches lie where their positions say, and unmixed modes are the same light."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.physics.canvas import Canvas
from ptycho.physics.patches import PatchLayout, orthogonalise


@given(seed=st.integers(0, 99), n=st.sampled_from([8, 16]))
def test_canvas_holds_every_patch(seed, n):
    """The corner of each patch lies on the canvas, and its opposite corner too."""
    positions = np.random.default_rng(seed).uniform(-50, 50, (7, 2))
    canvas = Canvas.around(positions, n)
    height, width = canvas.shape
    corner = np.rint(positions - n // 2 - canvas.origin_px)
    assert (corner >= 0).all()
    assert (corner + n <= (width, height)).all()


@given(seed=st.integers(0, 99))
def test_layout_finds_the_pixels_of_each_patch(seed):
    """Start and window index the nearest whole pixels, and the rest is what they leave."""
    positions = np.random.default_rng(seed).uniform(20, 40, (5, 2))
    canvas = Canvas.around(positions, 8)
    layout = PatchLayout.on(canvas, positions, 8)
    picture = np.arange(np.prod(canvas.shape)).reshape(canvas.shape)
    for number, (position, rest) in enumerate(zip(positions, layout.rest, strict=True)):
        x, y = np.rint(position - 4 - canvas.origin_px).astype(int)
        np.testing.assert_array_equal(
            picture.ravel()[layout.index(np.array([number]))[0]], picture[y : y + 8, x : x + 8]
        )
        np.testing.assert_allclose(position - 4 - canvas.origin_px, np.array([x, y]) + rest, atol=1e-5)
    assert np.abs(layout.rest).max() <= 0.5


def test_a_patch_beyond_the_picture_is_an_error():
    """The error says how large the picture is and how to get a fitting one."""
    with pytest.raises(ValueError, match="beyond the picture") as error:
        PatchLayout.on(Canvas((0, 0), (10, 10)), np.array([[20.0, 4.0]]), 8)
    assert str(error.value) == (
        "a patch lies beyond the picture of 10 x 10 pixels\n"
        "  expected  every position at least N/2 pixels inside\n"
        "  try       Canvas.around(positions, N) for origin and shape"
    )


@given(seed=st.integers(0, 99), modes=st.integers(1, 4))
def test_orthogonal_modes_light_the_same_detector(seed, modes):
    """Mixing keeps every intensity, orders the modes, makes them orthogonal, and keeps the main phase."""
    rng = np.random.default_rng(seed)
    probe = rng.standard_normal((modes, 12, 12)) + 1j * rng.standard_normal((modes, 12, 12))
    mixed = orthogonalise(probe)
    np.testing.assert_allclose((np.abs(mixed) ** 2).sum(0), (np.abs(probe) ** 2).sum(0))
    flat = mixed.reshape(modes, -1)
    gram = flat @ flat.conj().T
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-9)
    energies = np.diag(gram).real
    assert (energies[:-1] >= energies[1:]).all()
    assert np.angle(np.vdot(probe[0], mixed[0])) == pytest.approx(0, abs=1e-9)
