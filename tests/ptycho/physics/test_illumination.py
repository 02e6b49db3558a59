"""Exit waves, the disk, the smoothing, and modes that are orthogonal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from ptycho.physics.arrays import ShapeError
from ptycho.physics.illumination import (
    converges,
    disk_mask,
    exit_waves,
    orthogonal_modes,
    probe_intensity,
    smooth,
)


def test_every_patch_meets_every_mode(waves):
    """Entry (b, p) is patch b times mode p: the probe is broadcast over frames, never into its modes."""
    patches, probe = waves(0, 5, 8, 8), waves(1, 3, 8, 8)
    exits = exit_waves(patches, probe)
    assert exits.shape == (5, 3, 8, 8)
    for b in range(5):
        for p in range(3):
            np.testing.assert_array_equal(exits[b, p], patches[b] * probe[p])


def test_amplitude_and_phase_multiply(probe):
    """An object is amplitude times exp(i phase): a phase alone leaves the modulus of the exit wave."""
    phase = np.linspace(-3, 3, 32 * 32).reshape(32, 32)
    exits = exit_waves(0.5 * np.exp(1j * phase), probe)
    np.testing.assert_allclose(np.abs(exits), 0.5 * np.abs(probe), rtol=1e-12)


@given(n=st.integers(1, 64).map(lambda half: 2 * half))
def test_disk_has_the_radius_of_a_quarter(n):
    """The disk holds the pixels within N/4 of [N/2, N/2], the middle among them."""
    disk = disk_mask(n)
    rows, columns = np.nonzero(disk)
    assert disk[n // 2, n // 2]
    assert np.hypot(rows - n // 2, columns - n // 2).max() <= n / 4
    assert disk[n // 2, n // 2 + n // 4]
    assert n < 8 or not disk[n // 2, n // 2 + n // 4 + 1]
    np.testing.assert_array_equal(disk, disk.T)


def test_no_smoothing_is_the_identity(waves):
    """Width 0 hands back the same array."""
    field = waves(0, 4, 4)
    assert smooth(field, 0.0) is field


def test_smoothing_keeps_the_sum_inside(waves):
    """A point away from the edge spreads without gain or loss."""
    point = np.zeros((33, 33), complex)
    point[16, 16] = 1 + 2j
    assert smooth(point, 1.5).sum() == pytest.approx(1 + 2j, abs=1e-12)


def test_smoothing_is_scipys_gaussian_cut_at_four_sigma(waves):
    """Both parts are blurred as scipy.ndimage.gaussian_filter with zeros outside blurs them."""
    field = waves(0, 20, 20)
    expected = ndimage.gaussian_filter(field, (1.3, 1.3), mode="constant", truncate=4.0)
    np.testing.assert_allclose(smooth(field, 1.3), expected, atol=1e-12)


@given(seed=st.integers(0, 1000), sigma=st.floats(0.3, 3.0))
def test_smoothing_is_its_own_adjoint(seed, sigma):
    """<S x, y> = <x, S y>, edges included."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((2, 9, 9)) + 1j * rng.standard_normal((2, 9, 9))
    np.testing.assert_allclose(
        np.vdot(smooth(x, sigma), y), np.vdot(x, smooth(y, sigma)), rtol=1e-10, atol=1e-12
    )


@given(seed=st.integers(0, 1000), given_modes=st.integers(1, 3), wanted=st.integers(1, 8))
def test_modes_are_orthogonal_and_keep_the_energy(seed, given_modes, wanted):
    """New modes are orthogonal to all before them, and the sum of |P|² is that of the file."""
    rng = np.random.default_rng(seed)
    shape = (given_modes, 16, 16)
    probe = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    modes = orthogonal_modes(probe, wanted)
    assert modes.shape == (wanted, 16, 16)
    np.testing.assert_allclose(np.sum(np.abs(modes) ** 2), np.sum(np.abs(probe) ** 2), rtol=1e-10)
    flat = modes.reshape(wanted, -1)
    for new in range(given_modes, wanted):
        for before in range(given_modes if given_modes > 1 else 0, new):
            overlap = abs(np.vdot(flat[before], flat[new]))
            assert overlap < 1e-10 * np.linalg.norm(flat[before]) * np.linalg.norm(flat[new])


def test_extra_modes_are_weak_and_the_main_mode_stays(probe):
    """The new modes share 5 % of the energy; the main mode keeps its shape."""
    modes = orthogonal_modes(probe, 3)
    shares = np.sum(np.abs(modes) ** 2, axis=(1, 2)) / np.sum(np.abs(probe) ** 2)
    np.testing.assert_allclose(shares, [0.95, 0.025, 0.025], rtol=1e-10)
    np.testing.assert_allclose(modes[0], np.sqrt(0.95) * probe[0], rtol=1e-10)


def test_one_mode_of_one_is_the_probe(probe):
    """Nothing to add, nothing changed."""
    np.testing.assert_allclose(orthogonal_modes(probe, 1), probe, rtol=1e-12)


def test_modes_keep_single_precision(probe):
    """complex64 in, complex64 out."""
    assert orthogonal_modes(probe.astype(np.complex64), 2).dtype == np.complex64


def test_intensity_sums_over_modes(waves):
    """|P|² of a stack is the sum over its modes."""
    probe = waves(0, 3, 4, 4)
    np.testing.assert_allclose(probe_intensity(probe), (np.abs(probe) ** 2).sum(0), rtol=1e-12)


def test_probe_without_mode_axis_is_refused(waves):
    """A flat probe could be taken for N modes: it is an error that says how to write it."""
    with pytest.raises(ShapeError) as caught:
        exit_waves(waves(0, 2, 8, 8), waves(1, 8, 8))
    assert str(caught.value) == (
        "probe has shape (8, 8)\n"
        "  expected  (P, 8, 8)\n"
        "  try       probe[None] for a single mode; cropping or padding to N"
    )


def test_patches_that_are_not_square_are_refused(waves, probe):
    """Rows and columns must agree."""
    with pytest.raises(ShapeError) as caught:
        exit_waves(waves(0, 2, 16, 32), probe)
    assert str(caught.value) == (
        "patches has shape (2, 16, 32)\n  expected  (..., 32, 32)\n  try       square patches"
    )


def test_zero_modes_are_refused(probe):
    """The count is at least one."""
    with pytest.raises(ValueError, match="0 modes") as caught:
        orthogonal_modes(probe, 0)
    assert str(caught.value) == (
        "a probe of 0 modes was asked for\n  expected  1 mode or more\n  try       model.probe_modes = 1"
    )


def test_dark_probe_is_refused():
    """No mode can be made of nothing."""
    with pytest.raises(ValueError, match="zero everywhere") as caught:
        orthogonal_modes(np.zeros((1, 8, 8), complex), 2)
    assert str(caught.value) == (
        "the probe is zero everywhere\n"
        "  expected  a probe with some light in it\n"
        "  try       looking at probeGuess of the scan file"
    )


def test_more_modes_than_pixels_are_refused():
    """A probe of 4 pixels carries four orthogonal modes at most."""
    with pytest.raises(ValueError, match="cannot carry") as caught:
        orthogonal_modes(np.ones((1, 2, 2), complex), 9)
    assert str(caught.value) == (
        "a probe of side 2 cannot carry 9 orthogonal modes\n"
        "  expected  at most 4\n"
        "  try       a smaller model.probe_modes"
    )


def curved(curvature: float, width: float, shift: int = 0) -> np.ndarray:
    """Give a Gaussian beam of 64 pixels with a phase of `curvature` radians a squared pixel."""
    y, x = np.mgrid[:64, :64] - 32
    x = x - shift
    return (np.exp(-(x**2 + y**2) / (2 * width**2)) * np.exp(1j * curvature * (x**2 + y**2)))[None]


@given(
    curvature=st.floats(0.01, 0.06), width=st.floats(3, 8), shift=st.integers(-4, 4), turn=st.floats(0, 6.3)
)
def test_the_sign_of_the_curvature_decides(curvature, width, shift, turn):
    """A phase that falls to the outside converges, wherever the beam lies, whatever its phase is."""
    beam = curved(curvature, width, shift) * np.exp(1j * turn)
    assert not converges(beam)
    assert converges(beam.conj())


def test_a_beam_in_focus_converges_no_more():
    """A flat phase shows no shadow: nothing is turned on account of rounding."""
    beam = curved(0.0, 5.0)
    assert not converges(beam)
    assert not converges(beam.astype(np.complex64) * np.exp(1j))


@pytest.mark.parametrize("curvature", [0.04, -0.04])
def test_a_shadow_lies_upside_down_where_it_converges(curvature):
    """A speck to the right of the middle darkens the right of the frame, or the left one."""
    beam, (_, x) = curved(curvature, 8.0), np.mgrid[:64, :64] - 32
    speck = np.ones((64, 64))
    speck[28:36, 40:48] = 0
    frames = [np.abs(np.fft.fftshift(np.fft.fft2(beam[0] * sample))) ** 2 for sample in (1, speck)]
    lost = np.sum((frames[0] - frames[1]) * x)
    assert (lost > 0) == (not converges(beam))
