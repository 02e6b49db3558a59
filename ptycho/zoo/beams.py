"""Random beams: what a network that shall know every beam is trained with.

All have unit energy and lie around pixel [N/2, N/2]; lengths scale with N.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ptycho.optics.waves import focus, gaussian_beam, hole, lens, radius_px
from ptycho.physics.illumination import orthogonal_modes

if TYPE_CHECKING:
    from collections.abc import Callable

    from ptycho.optics.kind import Field

RIM = 0.48
"""Radius, as a share of N, beyond which a beam hardly reaches: frames would be sampled too coarsely."""

RIM_ENERGY = 0.12
"""Share of the energy that may lie there."""

MODES = (1, 1, 1, 2, 3)
"""Incoherent modes that are drawn from, single ones more often."""


def draw_beam(N: int, rng: np.random.Generator) -> Field:
    """Draw modes of one beam, strongest first, shape (P, N, N); the sum of |P|² is 1."""
    main = _draw_coherent(N, rng)
    count = int(rng.choice(MODES))
    share = float(rng.uniform(0.02, 0.3)) if count > 1 else 0.0
    return orthogonal_modes(main[np.newaxis], count, energy_fraction=share)


def _draw_coherent(N: int, rng: np.random.Generator) -> Field:
    while True:
        beam = KINDS[int(rng.integers(len(KINDS)))](N, rng)
        energy = np.abs(beam) ** 2
        if energy[radius_px(N) > RIM * N].sum() <= RIM_ENERGY * energy.sum():
            normalised: Field = beam / np.sqrt(energy.sum())
            return normalised


def misjudge(probe: Field, rng: np.random.Generator, size: float) -> Field:
    """Give a beam as somebody knows it: refocused, tilted in its aberrations, and with noise.

    Args:
        probe: The true modes, shape (P, N, N).
        rng: The one source of randomness.
        size: Root mean square of the phase error over the beam's spectrum in radians.
    """
    N = probe.shape[-1]
    spectrum = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(probe, axes=(-2, -1))), axes=(-2, -1))
    energy = (np.abs(spectrum) ** 2).sum(axis=0)
    radius = radius_px(N)
    u = radius / max(float(np.sqrt((energy * radius**2).sum() / energy.sum())), 1.0)
    error = rng.standard_normal() * u**2 + 0.5 * _astigmatism(N, u, rng)
    mean = (energy * error).sum() / energy.sum()
    spread = np.sqrt((energy * (error - mean) ** 2).sum() / energy.sum())
    wrong = focus_all(spectrum * np.exp(1j * size * error / max(float(spread), 1e-6)))
    grain = rng.standard_normal((2, *probe.shape)) * np.abs(probe).mean() * rng.uniform(0.0, 0.05)
    noisy = wrong + grain[0] + 1j * grain[1]
    known: Field = noisy * np.sqrt((np.abs(probe) ** 2).sum() / (np.abs(noisy) ** 2).sum())
    return known


def focus_all(spectra: Field) -> Field:
    """Focus every mode, shape (P, N, N)."""
    return np.stack([focus(spectrum) for spectrum in spectra])


def _astigmatism(N: int, u: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    rows, columns = np.meshgrid(*(np.arange(N) - N // 2,) * 2, indexing="ij")
    angle = np.arctan2(rows, columns) - rng.uniform(0.0, np.pi)
    wave: NDArray[np.float64] = rng.standard_normal() * u**2 * np.cos(2 * angle)
    return wave


def _aberrations(N: int, u: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw astigmatism, coma and spherical aberration of about a radian at the edge u = 1."""
    rows, columns = np.meshgrid(*(np.arange(N) - N // 2,) * 2, indexing="ij")
    angle = np.arctan2(rows, columns) - rng.uniform(0.0, 2 * np.pi)
    coma = 0.5 * rng.standard_normal() * (3 * u**3 - 2 * u) * np.cos(angle)
    spherical = 0.3 * rng.standard_normal() * (6 * u**4 - 6 * u**2 + 1)
    wave: NDArray[np.float64] = 0.8 * _astigmatism(N, u, rng) + coma + spherical
    return wave


def _defocus(N: int, outer: float, rng: np.random.Generator) -> float:
    """Give a phase at the aperture's edge that spreads the beam by up to 0.22 N, to either side of the focus.

    A phase a (q / outer)² moves the ray of radius q by (N / 2 pi) 2 a q / outer² pixels.
    """
    return float(rng.uniform(0.0, 0.22) * N * np.pi * outer / N * rng.choice((-1, 1)))


def zone_plate(N: int, rng: np.random.Generator) -> Field:
    """Focus through a round aperture with or without a central stop, defocused and aberrated."""
    outer = rng.uniform(0.08, 0.32) * N
    stop = rng.uniform(0.2, 0.5) if rng.random() < 0.6 else 0.0
    u = radius_px(N) / outer
    return lens(N, outer, _defocus(N, outer, rng) * u**2 + _aberrations(N, u, rng), stop=stop)


def diffuser(N: int, rng: np.random.Generator) -> Field:
    """Focus through an aperture behind a diffuser of random thickness."""
    outer = rng.uniform(0.08, 0.32) * N
    grain = ndimage.gaussian_filter(rng.standard_normal((N, N)), rng.uniform(1.5, 5.0), mode="wrap")
    phase = rng.uniform(1.0, 4.0) * grain / grain.std()
    bend = _defocus(N, outer, rng) * (radius_px(N) / outer) ** 2
    return lens(N, outer, phase + bend)


def mirrors(N: int, rng: np.random.Generator) -> Field:
    """Focus through the rectangular aperture of two crossed mirrors, each with its own focus."""
    axis = np.abs(np.arange(N) - N // 2)
    half = rng.uniform(0.08, 0.3, size=2) * N
    lines = [
        np.clip(edge - axis + 0.5, 0.0, 1.0) * np.exp(1j * _defocus(N, edge, rng) * (axis / edge) ** 2)
        for edge in half
    ]
    return focus(lines[0][:, np.newaxis] * lines[1][np.newaxis])


def pinhole(N: int, rng: np.random.Generator) -> Field:
    """Look a little way behind a hard round hole."""
    return hole(N, rng.uniform(0.08, 0.25) * N, rng.uniform(-0.8, 0.8) * N)


def gaussian(N: int, rng: np.random.Generator) -> Field:
    """Take a Gaussian beam of full width 0.1 N to 0.32 N with a curved wavefront."""
    # The full width is that of the amplitude, which is the root of 2 wider than that of the intensity.
    return gaussian_beam(N, rng.uniform(0.1, 0.32) * N / np.sqrt(2), rng.uniform(-2.0, 2.0))


KINDS: tuple[Callable[[int, np.random.Generator], Field], ...] = (
    zone_plate,
    zone_plate,
    diffuser,
    mirrors,
    pinhole,
    gaussian,
)
"""Beams that are drawn from, zone plates twice as often as others."""
