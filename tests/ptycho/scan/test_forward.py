"""Patches and frames of a known object along a scan."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho.errors import ScanError
from ptycho.scan.forward import cut_patches, scan_amplitudes


@pytest.fixture
def truth(rng: np.random.Generator) -> np.ndarray:
    """Give a rough object."""
    return rng.random((40, 50)) * np.exp(1j * rng.random((40, 50)))


def test_whole_positions_cut_windows(truth: np.ndarray) -> None:
    """The patch of (x, y) is object[y - N/2 : y + N/2, x - N/2 : x + N/2]: x counts columns."""
    patches = cut_patches(truth, np.array([[20.0, 10.0], [8.0, 32.0]]), 16)
    np.testing.assert_array_equal(patches[0], truth[2:18, 12:28].astype(np.complex64))
    np.testing.assert_array_equal(patches[1], truth[24:40, 0:16].astype(np.complex64))


def test_fractions_of_a_pixel_are_resolved() -> None:
    """A smooth object is sampled where the position says, to a thousandth of its contrast."""

    def wave(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        return 0.6 + 0.3 * np.cos(0.5 * x + 0.2) * np.exp(1j * np.sin(0.4 * y))

    rows, columns = np.indices((40, 50))
    x, y = 20.37, 18.81
    expected = wave(*np.meshgrid(y - 8 + np.arange(16), x - 8 + np.arange(16), indexing="ij"))
    found = cut_patches(wave(rows, columns), np.array([[x, y]]), 16)[0]
    np.testing.assert_allclose(found, expected, atol=3e-4)


def test_patch_over_the_edge_is_refused(truth: np.ndarray) -> None:
    """A patch that leaves the object is refused with the limits."""
    with pytest.raises(ScanError) as caught:
        cut_patches(truth, np.array([[20.0, 20.0], [7.5, 20.0], [20.0, 33.0]]), 16)
    assert str(caught.value) == (
        "the patch of position 1 at x = 7.5, y = 20 reaches over the edge of the object (2 of 3 patches do)\n"
        "  expected  x in 8 .. 42, y in 8 .. 32\n"
        "  try       a larger object, or positions that name patch centres, 8 px from its edges"
    )


def test_frames_keep_the_energy_of_the_exit_waves(truth: np.ndarray, rng: np.random.Generator) -> None:
    """The energy of a frame is that of patch times probe, summed over modes (Parseval)."""
    patches = cut_patches(truth, np.array([[20.0, 10.0]] * 200), 16)
    probe = rng.standard_normal((2, 16, 16)) + 1j * rng.standard_normal((2, 16, 16))
    frames = scan_amplitudes(patches, probe)
    assert frames.dtype == np.float32
    expected = np.sum(np.abs(patches[:, None] * probe) ** 2, axis=(1, 2, 3))
    np.testing.assert_allclose(np.sum(frames.astype(float) ** 2, axis=(1, 2)), expected, rtol=1e-5)
