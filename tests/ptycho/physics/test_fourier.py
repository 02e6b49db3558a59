"""The way to the detector keeps energy, can be undone, and agrees with its written formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.physics.arrays import ShapeError
from ptycho.physics.fourier import (
    back_projection,
    back_propagate,
    far_field_amplitude,
    propagate,
)
from ptycho.physics.illumination import disk_mask, exit_waves
from ptycho.physics.limits import WIENER_LEVEL

seeds = st.integers(0, 2**32 - 1)
sides = st.integers(2, 33)


def noise(seed, *shape):
    """Draw complex noise of any shape."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


@given(seed=seeds, n=sides)
def test_energy_survives_propagation(seed, n):
    """Parseval holds to rounding: sum |F|² = sum |psi|²."""
    psi = noise(seed, n, n)
    np.testing.assert_allclose(np.sum(np.abs(propagate(psi)) ** 2), np.sum(np.abs(psi) ** 2), rtol=1e-12)


@given(seed=seeds, n=sides)
def test_back_propagation_undoes_propagation(seed, n):
    """There and back is the identity, for odd sides too."""
    psi = noise(seed, 2, n, n)
    np.testing.assert_allclose(back_propagate(propagate(psi)), psi, atol=1e-12)


@given(seed=seeds, n=sides)
def test_back_propagation_is_the_adjoint(seed, n):
    """<F x, y> = <x, F* y>."""
    x, y = noise(seed, n, n), noise(seed + 1, n, n)
    np.testing.assert_allclose(
        np.vdot(propagate(x), y), np.vdot(x, back_propagate(y)), rtol=1e-10, atol=1e-10
    )


@given(seed=seeds, n=st.integers(1, 16).map(lambda half: 2 * half))
def test_zero_frequency_lands_in_the_middle(seed, n):
    """A constant wave has all its light in pixel [N/2, N/2]."""
    far = np.abs(propagate(np.full((n, n), 0.5 + 0j)))
    assert far[n // 2, n // 2] == pytest.approx(0.5 * n)
    assert far.sum() == pytest.approx(0.5 * n, abs=1e-10)


@given(seed=seeds, modes=st.integers(1, 3))
def test_amplitude_follows_the_written_formula(seed, modes):
    """A = sqrt(fftshift(sum |fft2(P O)|²) / N²), the modes added in intensity."""
    n = 16
    patch, probe = noise(seed, n, n), noise(seed + 1, modes, n, n)
    intensity = sum(np.abs(np.fft.fft2(mode * patch)) ** 2 for mode in probe)
    expected = np.sqrt(np.fft.fftshift(intensity) / n**2)
    np.testing.assert_allclose(far_field_amplitude(patch, probe), expected, rtol=1e-10)


@given(seed=seeds, modes=st.integers(1, 4), batch=st.integers(1, 5))
def test_frame_energy_is_exit_wave_energy(seed, modes, batch):
    """No gain from batches or modes: sum A² = sum |P O|² for every frame."""
    patches, probe = noise(seed, batch, 12, 12), noise(seed + 1, modes, 12, 12)
    frames = np.sum(far_field_amplitude(patches, probe) ** 2, axis=(1, 2))
    expected = [np.sum(np.abs(probe * patch) ** 2) for patch in patches]
    np.testing.assert_allclose(frames, expected, rtol=1e-12)


def test_splitting_a_probe_into_equal_modes_changes_nothing(waves):
    """Two modes of half the energy give the frame of the one they came from."""
    patch, probe = waves(0, 16, 16), waves(1, 1, 16, 16)
    halves = np.concatenate([probe, 1j * probe]) / np.sqrt(2)
    np.testing.assert_allclose(
        far_field_amplitude(patch, halves), far_field_amplitude(patch, probe), rtol=1e-12
    )


def test_global_phase_and_twin_leave_the_frame_alone(waves):
    """A constant phase changes no frame, and the twin of a wave gives the same one."""
    psi = waves(3, 17, 17)
    frame = np.abs(propagate(psi))
    np.testing.assert_allclose(np.abs(propagate(np.exp(1.3j) * psi)), frame, rtol=1e-12)
    np.testing.assert_allclose(np.abs(propagate(psi[::-1, ::-1].conj())), frame, atol=1e-12)


@pytest.mark.parametrize(
    ("dtype", "real"), [(np.complex64, np.float32), (np.complex128, np.float64)], ids=["single", "double"]
)
def test_precision_is_kept(waves, dtype, real):
    """What comes in single leaves in single."""
    patch, probe = waves(0, 16, 16).astype(dtype), waves(1, 2, 16, 16).astype(dtype)
    assert propagate(patch).dtype == dtype
    assert back_propagate(patch).dtype == dtype
    assert far_field_amplitude(patch, probe).dtype == real
    assert back_projection(np.abs(patch), probe).dtype == dtype


def test_back_projection_of_an_empty_sample_is_flat(probe):
    """Without a sample the estimate is |P|² / (|P|² + level max|P|²), real and at most 1."""
    amplitude = far_field_amplitude(np.ones((32, 32), complex), probe)
    power = np.abs(probe[0]) ** 2
    expected = power / (power + WIENER_LEVEL * power.max())
    np.testing.assert_allclose(back_projection(amplitude, probe), expected, atol=1e-10)


def test_back_projection_uses_the_main_mode(probe):
    """Weaker modes do not enter the phase that is borrowed."""
    amplitude = far_field_amplitude(np.ones((32, 32), complex), probe)
    with_second = np.concatenate([probe, 0.1 * probe[:, ::-1]])
    np.testing.assert_array_equal(back_projection(amplitude, with_second), back_projection(amplitude, probe))


def test_disk_and_smoothing_reach_the_detector(waves, probe):
    """Both act on the exit wave before it travels."""
    patch, disk = waves(0, 32, 32), disk_mask(32)
    frame = far_field_amplitude(patch, probe, disk=disk, sigma_px=0.7)
    exits = exit_waves(patch, probe, disk=disk, sigma_px=0.7)
    np.testing.assert_allclose(frame, np.abs(propagate(exits[0])), rtol=1e-12)
    assert not np.allclose(frame, far_field_amplitude(patch, probe))


def test_back_projection_refuses_another_side(probe):
    """A probe of another side than the frames is named with both shapes."""
    with pytest.raises(ShapeError) as caught:
        back_projection(np.ones((16, 16)), probe)
    assert str(caught.value) == (
        "probe has shape (1, 32, 32)\n"
        "  expected  (P, 16, 16)\n"
        "  try       probe[None] for a single mode; cropping or padding to N"
    )
