"""At half resolution the middle of the frames is all there is, and nothing else is lost on the way back."""

import numpy as np
import pytest

from ptycho.physics.canvas import Canvas
from ptycho.physics.fourier import propagate
from ptycho.reconstruction import half_resolution
from ptycho.reconstruction.iteration import Measurement


def smooth_waves(rng, count, N, reach):
    """Give waves whose spectrum ends at a frequency in pixels from the middle."""
    spectrum = np.zeros((count, N, N), complex)
    middle = slice(N // 2 - reach, N // 2 + reach)
    shape = (count, 2 * reach, 2 * reach)
    spectrum[:, middle, middle] = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    return np.fft.ifft2(np.fft.ifftshift(spectrum, axes=(-2, -1)))


@pytest.mark.parametrize("N", [32, 64, 72])
def test_a_smooth_probe_goes_there_and_back(rng, N):
    """Its energy stays at half resolution, and what did not change there comes back as it was."""
    probe = smooth_waves(rng, 2, N, N // 4).astype(np.complex64)
    coarse = half_resolution.halved_probe(probe)
    assert np.sum(np.abs(coarse) ** 2) == pytest.approx(np.sum(np.abs(probe) ** 2), rel=1e-5)
    np.testing.assert_allclose(half_resolution.doubled_probe(coarse, 0 * probe), probe, atol=1e-6)


def test_fine_detail_of_a_probe_is_kept(rng):
    """Whatever half resolution cannot hold stays as it was before."""
    probe = (rng.standard_normal((1, 32, 32)) + 1j * rng.standard_normal((1, 32, 32))).astype(np.complex64)
    back = half_resolution.doubled_probe(half_resolution.halved_probe(probe), probe)
    np.testing.assert_allclose(back, probe, atol=1e-5)


def test_half_a_scan_shows_the_middle_of_its_frames(rng):
    """Where object and probe are smooth, the halved ones make the very frames that were cut out."""
    N = 32
    probe, patch = smooth_waves(rng, 1, N, 4)[0], smooth_waves(rng, 1, N, 4)[0]
    frame = np.abs(propagate(probe * patch)).astype(np.float32)
    scan = Measurement(lambda rows: frame[None][rows], np.array([[20.0, 24.0]]))
    half = half_resolution.halved(scan, N)
    coarse_patch = patch[::2, ::2]
    expected = np.abs(propagate(half_resolution.halved_probe(probe[None])[0] * coarse_patch))
    np.testing.assert_allclose(half.frames(np.array([0]))[0], expected, atol=1e-6)
    np.testing.assert_array_equal(half.positions, [[10.0, 12.0]])


def test_pixels_lie_where_they_lay():
    """A plane of the object at half resolution is the same plane at full, on canvases of their own."""
    positions = np.array([[40.0, 50.0], [57.0, 61.0]])
    coarse, fine = Canvas.around(positions / 2, 16), Canvas.around(positions, 32)
    y, x = (np.arange(n)[:, None] for n in coarse.shape)
    plane = 2 * (x.T + coarse.origin_px[0]) + 6j * (y + coarse.origin_px[1])
    doubled = half_resolution.doubled_object(plane, coarse, fine)
    y, x = (np.arange(n)[:, None] for n in fine.shape)
    inner = (slice(2, -2), slice(2, -2))
    expected = (x.T + fine.origin_px[0]) + 3j * (y + fine.origin_px[1])
    np.testing.assert_allclose(doubled[inner], expected[inner], atol=1e-4)


def test_dim_middles_and_small_frames_do_not_suit():
    """Sixteen pixels cannot be halved, and light that falls outside is not left out."""
    y, x = np.indices((32, 32)) - 16
    outside = (np.hypot(x, y) > 12).astype(np.float32)
    for frame, suits in ((outside, False), (1 - outside, True), (np.zeros((32, 32), np.float32), False)):
        scan = Measurement(lambda rows, frame=frame: np.repeat(frame[None], len(rows), 0), np.zeros((5, 2)))
        assert half_resolution.suits(scan, 32) is suits
    small = Measurement(lambda rows: np.ones((len(rows), 16, 16), np.float32), np.zeros((5, 2)))
    assert not half_resolution.suits(small, 16)
