"""What iterations share: patches on their canvas, every frame once, modes that stay the same light."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.physics.canvas import Canvas
from ptycho.physics.sweeps import (
    PROBE_REST,
    START_AMPLITUDE,
    Layout,
    Picture,
    canvas_of,
    orthogonalise,
    retrieve,
    sharpen,
    visits,
)


@given(seed=st.integers(0, 99), n=st.sampled_from([8, 16]))
def test_canvas_holds_every_patch(seed, n):
    """The corner of each patch lies on the canvas, and its opposite corner too."""
    positions = np.random.default_rng(seed).uniform(-50, 50, (7, 2))
    origin, (height, width) = canvas_of(positions, n)
    corner = np.rint(positions - n // 2 - origin)
    assert (corner >= 0).all()
    assert (corner + n <= (width, height)).all()


@given(seed=st.integers(0, 99))
def test_layout_finds_the_pixels_of_each_patch(seed):
    """Start and window index the nearest whole pixels, and the rest is what they leave."""
    positions = np.random.default_rng(seed).uniform(20, 40, (5, 2))
    origin, shape = canvas_of(positions, 8)
    layout = Layout.of(positions, 8, Canvas(origin, shape))
    picture = np.arange(np.prod(shape)).reshape(shape)
    for position, start, rest in zip(positions, layout.start, layout.rest, strict=True):
        x, y = np.rint(position - 4 - origin).astype(int)
        np.testing.assert_array_equal(picture.ravel()[start + layout.window], picture[y : y + 8, x : x + 8])
        np.testing.assert_allclose(position - 4 - origin, np.array([x, y]) + rest, atol=1e-5)
    assert np.abs(layout.rest).max() <= 0.5


def test_a_patch_beyond_the_picture_is_an_error():
    """The error says how large the picture is and how to get a fitting one."""
    with pytest.raises(ValueError, match="beyond the picture") as error:
        Layout.of(np.array([[20.0, 4.0]]), 8, Canvas((0, 0), (10, 10)))
    assert str(error.value) == (
        "a patch lies beyond the picture of 10 x 10 pixels\n"
        "  expected  every position at least N/2 pixels inside\n"
        "  try       canvas_of(positions, N) for origin and shape"
    )


@given(count=st.integers(0, 50), batch_size=st.integers(1, 20), seed=st.integers(0, 9))
def test_every_frame_is_visited_once(count, batch_size, seed):
    """Steps are full but for the last, and the seed decides the order."""
    steps, again = (list(visits(count, batch_size, np.random.default_rng(seed))) for _ in range(2))
    assert sorted(int(i) for step in steps for i in step) == list(range(count))
    assert all(len(step) == batch_size for step in steps[:-1])
    assert all(np.array_equal(a, b) for a, b in zip(steps, again, strict=True))


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


class Recorder:
    """An engine that doubles its probe with each sweep that may move it, and notes what it was asked."""

    def __init__(self, picture, origin_px, probe):
        self.picture, self.origin_px, self.probe = picture, origin_px, probe
        self.asked = []

    def sweep(self, *, learn_probe=False):
        """Note the question, and answer with its number."""
        self.asked.append(learn_probe)
        if learn_probe:
            self.probe = 2 * self.probe
        return float(len(self.asked))

    def read(self):
        """Give what there is."""
        return self.picture, self.probe


def made(engines):
    """Make engines and keep them."""

    def make(*arguments):
        engines.append(Recorder(*arguments))
        return engines[-1]

    return make


def test_a_retrieved_probe_keeps_its_energy():
    """Whatever the sweeps did to the probe's scale, the object takes it over; the first sweep rests it."""
    engines, probe = [], np.full((2, 8, 8), 1 + 2j, np.complex64)
    found = retrieve(made(engines), np.array([[4.0, 4.0], [7.0, 9.0]]), probe, 3)
    assert engines[0].asked == [number >= PROBE_REST for number in range(3)]
    assert found.misfits == [1.0, 2.0, 3.0]
    np.testing.assert_allclose(found.probe, probe, rtol=1e-6)
    np.testing.assert_allclose(found.object, START_AMPLITUDE * 4, rtol=1e-6)
    assert found.origin_px == (0, 0)
    assert found.object.shape == (13, 11)
    assert found.probe.dtype == found.object.dtype == np.complex64


def test_refinement_rests_the_probe_and_keeps_the_place():
    """The picture comes back on its own canvas; what the network never saw starts from the mean."""
    engines = []
    coverage = np.ones((9, 8))
    coverage[0, 0] = 0
    picture = Picture(np.full((9, 8), 2j, np.complex64), coverage, (1.0, 2.0))
    picture.object[0, 0] = 100
    positions = np.array([[4.0, 4.0], [7.0, 9.0]])
    found = sharpen(made(engines), positions, picture, np.ones((1, 8, 8), np.complex64), 2)
    assert engines[0].asked == [False, False]
    assert engines[0].picture.shape == (13, 11)
    assert engines[0].origin_px == (0, 0)
    np.testing.assert_array_equal(engines[0].picture, 2j)
    assert found.object.shape == (9, 8)
    assert found.misfits == [1.0, 2.0]


def test_a_picture_beyond_its_patches_is_an_error():
    """The error names the sizes and where the origin comes from."""
    picture = Picture(np.ones((9, 8), np.complex64), np.ones((9, 8)), (-1.0, 2.0))
    with pytest.raises(ValueError, match="reaches beyond") as error:
        sharpen(made([]), np.array([[4.0, 4.0], [7.0, 9.0]]), picture, np.ones((1, 8, 8), np.complex64), 1)
    assert str(error.value) == (
        "the picture of 9 x 8 pixels reaches beyond what its patches cover\n"
        "  expected  at most 13 x 11 pixels from [x, y] = [0, 0]\n"
        "  try       the origin that stitching gave with the picture"
    )
