"""A Gaussian beam."""

import numpy as np

from ptycho.simulate.kinds import Field, ProbeKind
from ptycho.simulate.optics import radius_px


def draw(N: int) -> Field:
    """Illuminate with a Gaussian of full width N/4 at half maximum and a gently curved wavefront."""
    r = radius_px(N)
    sigma = N / 4 / np.sqrt(4 * np.log(2))
    beam: Field = np.exp(-0.5 * (r / sigma) ** 2 + 0.5j * (r / sigma) ** 2)
    return beam


PROBE = ProbeKind(what="a Gaussian beam with a curved wavefront", draw=draw)
