"""The waves of lenses, holes and lasers on the pixels of a sample: each optic is defined here once.

A wave goes as exp(i (k z - w t)) and the far field is numpy's fft2, so that free space multiplies a far field
by exp(-i pi wavelength z q²), q in cycles per metre: on the way from a focus a beam gets a phase that falls
towards the rim of its far field.

Source:
    Goodman, Introduction to Fourier Optics, chapter 4: the transfer function of free space.
"""

import numpy as np
from numpy.typing import NDArray

from ptycho.optics.kind import Field

__all__ = ["focus", "gaussian_beam", "hole", "lens", "radius_px", "soft_disk"]


def radius_px(N: int) -> NDArray[np.float64]:
    """Give every pixel's distance from pixel [N/2, N/2], shape (N, N)."""
    radius: NDArray[np.float64] = np.hypot(*np.meshgrid(*(np.arange(N) - N // 2,) * 2))
    return radius


def soft_disk(radius: NDArray[np.float64], edge: float) -> NDArray[np.float64]:
    """Give 1 inside, 0 outside, and a slope one pixel wide between: a hard edge would ring forever."""
    return np.clip(edge - radius + 0.5, 0.0, 1.0)


def focus(spectrum: Field) -> Field:
    """Propagate from the detector plane to the sample; both have their origin at pixel [N/2, N/2]."""
    return np.asarray(np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(spectrum))), dtype=np.complex128)


def lens(N: int, outer_px: float, phase: NDArray[np.float64], *, stop: float = 0.0) -> Field:
    """Focus through a round aperture.

    Args:
        N: Pixels of a side.
        outer_px: Radius of the aperture on the detector.
        phase: What the lens and the way from its focus add to the far field in radians, shape (N, N).
        stop: Radius of a central stop, as a share of the aperture's.
    """
    q = radius_px(N)
    aperture = soft_disk(q, outer_px)
    if stop > 0:
        aperture = aperture - soft_disk(q, outer_px * stop)
    return focus(aperture * np.exp(1j * phase))


def hole(N: int, edge_px: float, spread_px2: float) -> Field:
    """Look some way behind a hard round hole.

    Args:
        N: Pixels of a side.
        edge_px: Radius of the hole.
        spread_px2: Wavelength x distance behind it, in square pixels.
    """
    q = radius_px(N)
    spectrum = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(soft_disk(q, edge_px))))
    return focus(spectrum * np.exp(-1j * np.pi * spread_px2 * (q / N) ** 2))


def gaussian_beam(N: int, width_px: float, curvature: float) -> Field:
    """Illuminate with a Gaussian.

    Args:
        N: Pixels of a side.
        width_px: Full width of the intensity at half maximum.
        curvature: Phase in radians where the intensity has fallen to exp(-2) of its height; the wavefront
            diverges where it is above 0.
    """
    sigma = width_px / np.sqrt(4 * np.log(2))
    u = radius_px(N) / sigma
    beam: Field = np.exp(-0.5 * u**2 + 0.5j * curvature * u**2)
    return beam
