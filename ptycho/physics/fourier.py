"""The way to the detector and back: the far field of a wave, and the amplitude that is measured there."""

from __future__ import annotations

from typing import Any

import numpy as np

from ptycho.physics.arrays import Complex, Inexact, Mask, Real, require_probe, require_shape
from ptycho.physics.illumination import exit_waves
from ptycho.physics.limits import WIENER_LEVEL

_AXES = (-2, -1)


def propagate(psi: Complex) -> Complex:
    """Carry waves to the far field; energy is conserved and zero frequency lands at [N/2, N/2].

    Args:
        psi: Complex waves, shape (..., N, N).

    Returns:
        Far fields in the same unit and precision, shape (..., N, N).

    Source:
        Goodman, Introduction to Fourier Optics, section 4.3 (Fraunhofer diffraction).
    """
    # No ifftshift before the transform: it would turn the phases of the far field by a ramp, which no
    # detector sees, and `back_propagate` leaves out the same one.
    fields = np.fft.fft2(psi, norm="ortho").astype(_precision(psi), copy=False)
    return np.asarray(np.fft.fftshift(fields, axes=_AXES))


def back_propagate(Psi: Complex) -> Complex:
    """Invert :func:`propagate`, which is also its adjoint: (..., N, N) -> (..., N, N)."""
    waves = np.fft.ifft2(np.fft.ifftshift(Psi, axes=_AXES), norm="ortho")
    return np.asarray(waves.astype(_precision(Psi), copy=False))


def _precision(values: Inexact) -> type[np.complexfloating[Any, Any]]:
    # Before version 2, numpy transforms in double precision whatever it is given.
    return np.complex64 if values.dtype in (np.complex64, np.float32) else np.complex128


def far_field_amplitude(
    patches: Complex, probe_modes: Complex, *, disk: Mask | None = None, sigma_px: float = 0.0
) -> Real:
    """Predict the amplitude that the detector sees; incoherent modes add in intensity.

    Args:
        patches: Complex transmission, dimensionless, shape (..., N, N).
        probe_modes: Complex amplitude of each mode, shape (P, N, N).
        disk: Mask of the illuminated field, shape (N, N), or None.
        sigma_px: Gaussian smoothing of the exit waves in pixels; 0 is none.

    Returns:
        Amplitudes in the probe's unit, shape (..., N, N). The sum of their squares over a frame is the
        sum of |patch * probe|² over pixels and modes.

    Raises:
        ShapeError: The arrays differ in N, or the probe has no mode axis.
    """
    fields = propagate(exit_waves(patches, probe_modes, disk=disk, sigma_px=sigma_px))
    amplitude: Real = np.sqrt((fields.real**2 + fields.imag**2).sum(axis=-3))
    return amplitude


def back_projection(amplitude: Real, probe: Complex, *, level: float = WIENER_LEVEL) -> Complex:
    """Estimate the object from a measured amplitude that borrows the phase of the empty beam.

    The amplitude takes the phase of the main mode's far field, travels back to the sample, and is
    divided by the probe with a Wiener filter. An empty sample gives |P|² / (|P|² + level max|P|²).

    Args:
        amplitude: Measured amplitude in the probe's unit, zero frequency at [N/2, N/2], (..., N, N).
        probe: Modes, main mode first, shape (P, N, N).
        level: Regularisation, as a fraction of the brightest probe intensity.

    Returns:
        Complex object estimates, shape (..., N, N).

    Raises:
        ShapeError: The probe has no mode axis, or its side is not N.
    """
    require_shape("amplitude", amplitude, ("...", amplitude.shape[-1], amplitude.shape[-1]), "square frames")
    require_probe(probe, amplitude.shape[-1])
    main = probe[0]
    # The empty beam lends its phase because it holds the place and the curvature of the light; numpy gives
    # the phase 0 where it is dark.
    wave = back_propagate(amplitude * np.exp(1j * np.angle(propagate(main))))
    power = main.real**2 + main.imag**2
    # A plain quotient would divide noise by nothing in the tails of the beam.
    estimate: Complex = wave * main.conj() / (power + level * power.max())
    return estimate
