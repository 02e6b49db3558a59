"""The beam of a pinhole."""

import numpy as np

from ptycho.simulate.kinds import Field, ProbeKind
from ptycho.simulate.optics import focus, radius_px, soft_disk


def draw(N: int) -> Field:
    """Propagate a hard round aperture of diameter N/2.5 a little: flat, with a few soft fringes."""
    r = radius_px(N)
    q = radius_px(N)
    spectrum = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(soft_disk(r, 0.2 * N))))
    return focus(spectrum * np.exp(-1j * np.pi * 0.35 * q**2 / N))


PROBE = ProbeKind(what="a pinhole, a little way behind it", draw=draw)
