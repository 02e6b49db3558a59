"""The beam of an electron microscope's probe-forming lens."""

import numpy as np

from ptycho.optics.kind import Field, Numbers, ProbeKind, Sampling
from ptycho.optics.waves import lens, radius_px


def draw(N: int) -> Field:
    """Focus through a round aperture of radius N/5 px, out of focus by what spreads the beam to 0.3 N."""
    outer = 0.2 * N
    return lens(N, outer, -0.15 * np.pi * outer * (radius_px(N) / outer) ** 2)


def build(sampling: Sampling, numbers: Numbers) -> Field:
    """Focus through an aperture of a semi-angle, with defocus and spherical aberration.

    Source:
        Kirkland, Advanced Computing in Electron Microscopy, chapter 2: the aberration function
        pi wavelength q² (C1 + C3 wavelength² q² / 2), where C1 > 0 is overfocus: the focus lies before the
        sample.
    """
    wavelength = sampling.known_wavelength_m
    q = radius_px(sampling.N) / (sampling.N * sampling.pixel_m)
    bent = (
        numbers.get("defocus_m", 0.0) + numbers.get("spherical_aberration_m", 0.0) * (wavelength * q) ** 2 / 2
    )
    outer = sampling.detector_px(numbers["semi_angle_rad"] / wavelength)
    return lens(sampling.N, outer, -np.pi * wavelength * q**2 * bent)


PROBE = ProbeKind(
    what="the lens of an electron microscope, out of its focus",
    draw=draw,
    build=build,
    needs=("semi_angle_rad",),
    takes=("defocus_m", "spherical_aberration_m"),
)
