"""The beam of a zone plate."""

import numpy as np

from ptycho.optics.kind import Field, Numbers, ProbeKind, Sampling
from ptycho.optics.waves import lens, radius_px


def draw(N: int) -> Field:
    """Focus through an annular aperture and look where the beam is a bright-rimmed ring, out of focus.

    The outer radius of the aperture is N/5 px in the detector plane, its central stop a third of that; the
    defocus spreads the beam over a disk of about 0.45 N.
    """
    outer = 0.2 * N
    # A phase a (q / outer)^2 moves the ray of radius q by (N / 2 pi) dphase/dq = (N / 2 pi) 2 a q / outer^2.
    bend = 0.2 * N * 2 * np.pi * outer / (2 * N)
    return lens(N, outer, bend * (radius_px(N) / outer) ** 2, stop=1 / 3)


def build(sampling: Sampling, numbers: Numbers) -> Field:
    """Focus as a zone plate of a diameter and an outer zone width does, with the sample out of its focus.

    Source:
        Attwood, Soft X-Rays and Extreme Ultraviolet Radiation, chapter 9: the numerical aperture is half the
        wavelength over the outer zone width, so the rim lies at 1 / (2 outer zone width).
    """
    N, outer = sampling.N, sampling.detector_px(1 / (2 * numbers["outer_zone_width_m"]))
    defocus = numbers.get("defocus_m", 0.0)
    spread = sampling.spread_px2(defocus) if defocus else 0.0
    phase = -np.pi * spread * (radius_px(N) / N) ** 2
    return lens(N, outer, phase, stop=numbers.get("stop_m", 0.0) / numbers["diameter_m"])


PROBE = ProbeKind(
    what="a zone plate with a central stop, out of its focus",
    draw=draw,
    build=build,
    needs=("diameter_m", "outer_zone_width_m"),
    takes=("stop_m", "defocus_m"),
)
