"""The beam of a zone plate beyond its focus."""

import numpy as np

from ptycho.simulate.kinds import Field, ProbeKind
from ptycho.simulate.optics import focus, radius_px, soft_disk


def draw(N: int) -> Field:
    """Focus through an annular aperture and look beyond the focus, where the beam is a bright-rimmed ring.

    The outer radius of the aperture is N/5 px in the detector plane, its central stop a third of that; the
    defocus spreads the beam over a disk of about 0.45 N.
    """
    q = radius_px(N)
    outer = 0.2 * N
    aperture = soft_disk(q, outer) - soft_disk(q, outer / 3)
    # A phase a (q / outer)^2 moves the ray of radius q by (N / 2 pi) dphase/dq = (N / 2 pi) 2 a q / outer^2.
    bend = 0.2 * N * 2 * np.pi * outer / (2 * N)
    return focus(aperture * np.exp(1j * bend * (q / outer) ** 2))


PROBE = ProbeKind(what="a zone plate with a central stop, beyond its focus", draw=draw)
