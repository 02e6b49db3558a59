"""Apertures and lenses that simulated beams are made with."""

import numpy as np
from numpy.typing import NDArray

from ptycho.simulate.kinds import Field

__all__ = ["focus", "radius_px", "soft_disk"]


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
