"""A Gaussian beam."""

import numpy as np

from ptycho.optics.kind import Field, Numbers, ProbeKind, Sampling
from ptycho.optics.waves import gaussian_beam


def draw(N: int) -> Field:
    """Illuminate with a Gaussian of full width N/4 at half maximum and a gently curved wavefront."""
    return gaussian_beam(N, N / 4, 1.0)


def build(sampling: Sampling, numbers: Numbers) -> Field:
    """Illuminate with a Gaussian beam of a width at its waist, with the sample some way behind that.

    Source:
        Siegman, Lasers, chapter 17: width and curvature over the distance from the waist.
    """
    waist = numbers["width_m"] / sampling.pixel_m
    defocus = numbers.get("defocus_m", 0.0)
    # Intensity exp(-r²/s²) with s² = waist² / (4 ln 2) spreads with wavelength z / (2 pi s²).
    square = waist**2 / (4 * np.log(2))
    ratio = sampling.spread_px2(defocus) / (2 * np.pi * square) if defocus else 0.0
    return gaussian_beam(sampling.N, waist * np.hypot(1.0, ratio), ratio)


PROBE = ProbeKind(
    what="a Gaussian beam with a curved wavefront",
    draw=draw,
    build=build,
    needs=("width_m",),
    takes=("defocus_m",),
)
