"""Probes to scan with: beams that real optics make, confined to the frame."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ptycho.errors import ScanError
from ptyconf.errors import error_text

__all__ = ["BEAMS", "Beam", "draw_beam"]

Field = NDArray[np.complex128]
Beam = Literal["zone_plate", "pinhole", "gaussian"]


def draw_beam(name: Beam, N: int) -> Field:
    """Make a probe of unit energy on N x N pixels, centred on pixel [N/2, N/2].

    Args:
        name: A name in ``BEAMS``.
        N: Side in pixels.

    Returns:
        Complex amplitude of shape (N, N).

    Raises:
        ScanError: There is no such probe.
    """
    if name not in BEAMS:
        raise ScanError(
            error_text(f'there is no probe "{name}"', known=", ".join(BEAMS), hint='probe = "zone_plate"')
        )
    beam = BEAMS[name](N)
    normalised: Field = beam / np.linalg.norm(beam)
    return normalised


def zone_plate(N: int) -> Field:
    """Focus through an annular aperture and look beyond the focus, where the beam is a bright-rimmed ring.

    The outer radius of the aperture is N/5 px in the detector plane, its central stop a third of that; the
    defocus spreads the beam over a disk of about 0.45 N.
    """
    q = np.hypot(*np.meshgrid(*(np.arange(N) - N // 2,) * 2))
    outer = 0.2 * N
    aperture = _soft_disk(q, outer) - _soft_disk(q, outer / 3)
    # A phase a (q / outer)^2 moves the ray of radius q by (N / 2 pi) dphase/dq = (N / 2 pi) 2 a q / outer^2.
    bend = 0.2 * N * 2 * np.pi * outer / (2 * N)
    return _focus(aperture * np.exp(1j * bend * (q / outer) ** 2))


def pinhole(N: int) -> Field:
    """Propagate a hard round aperture of diameter N/2.5 a little: flat, with a few soft fringes."""
    r = np.hypot(*np.meshgrid(*(np.arange(N) - N // 2,) * 2))
    q = np.hypot(*np.meshgrid(*(np.arange(N) - N // 2,) * 2))
    spectrum = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(_soft_disk(r, 0.2 * N))))
    return _focus(spectrum * np.exp(-1j * np.pi * 0.35 * q**2 / N))


def gaussian(N: int) -> Field:
    """Illuminate with a Gaussian of full width N/4 at half maximum and a gently curved wavefront."""
    r = np.hypot(*np.meshgrid(*(np.arange(N) - N // 2,) * 2))
    sigma = N / 4 / np.sqrt(4 * np.log(2))
    beam: Field = np.exp(-0.5 * (r / sigma) ** 2 + 0.5j * (r / sigma) ** 2)
    return beam


BEAMS: dict[Beam, Callable[[int], Field]] = {
    "zone_plate": zone_plate,
    "pinhole": pinhole,
    "gaussian": gaussian,
}


def _soft_disk(radius: NDArray[np.float64], edge: float) -> NDArray[np.float64]:
    """Give 1 inside, 0 outside, and a slope one pixel wide between: a hard edge would ring forever."""
    return np.clip(edge - radius + 0.5, 0.0, 1.0)


def _focus(spectrum: NDArray[np.complexfloating]) -> Field:
    return np.asarray(np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(spectrum))), dtype=np.complex128)
