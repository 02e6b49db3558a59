"""Two pictures of one size, pixel for pixel, to be laid over each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptycho.files.notebook import png
from ptycho.report.figures.figure import AMPLITUDE, CYCLIC, DIVERGING, limits_of, symmetric_limit
from ptycho.report.figures.phase import flat_phase, wrapped, wraps

if TYPE_CHECKING:
    from ptycho.physics.arrays import Complex, Mask


def overlays(
    reconstruction: Complex, reference: Complex, mask: Mask | None = None
) -> dict[str, tuple[bytes, bytes]]:
    """Draw an aligned reconstruction and its reference on the scales of the reference, as PNG files.

    Args:
        reconstruction: Complex picture that was aligned, shape (H, W).
        reference: Complex picture of the same shape.
        mask: True where both are known; the rest is transparent.

    Returns:
        The reconstruction and the reference for "amplitude" and for "phase", each H x W pixels.
    """
    known = np.ones(reference.shape, dtype=bool) if mask is None else mask
    moduli = [np.where(known, np.abs(picture), np.nan) for picture in (reconstruction, reference)]
    angle = flat_phase(reference, known)
    turned = wrapped(angle + np.angle(reconstruction * reference.conj()))
    phases = [np.where(known, phase, np.nan) for phase in (turned, angle)]
    most = symmetric_limit(phases[1])
    colours, reach = (CYCLIC, np.pi) if wraps(most) else (DIVERGING, most)
    amplitude = [png(modulus, limits_of(moduli[1]), AMPLITUDE) for modulus in moduli]
    phase = [png(angles, (-reach, reach), colours) for angles in phases]
    return {"amplitude": (amplitude[0], amplitude[1]), "phase": (phase[0], phase[1])}
