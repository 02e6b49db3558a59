"""Phases in pictures: around their mean, without a ramp, in colours that suit their range."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptycho.metrics.align import phase_slope
from ptycho.report.figures.figure import (
    CYCLIC,
    DIVERGING,
    Extent,
    show,
    symmetric_limit,
)

if TYPE_CHECKING:
    from ptycho.physics.arrays import Complex, Mask, Real
    from ptycho.report.figures.panel import Panel

_WRAPS = 0.9 * np.pi
"""Largest phase in rad that is drawn on a symmetric range; beyond it the colours run in a circle."""


def flat_phase(picture: Complex, mask: Mask, *, ramp: bool = True) -> Real:
    """Give the phase in rad around its mean over a mask, and without its mean slope if asked."""
    if ramp:
        slope = phase_slope(picture, mask)
        y, x = np.indices(picture.shape)
        picture = picture * np.exp(-1j * (slope[0] * x + slope[1] * y))
    flat: Real = np.angle(picture * np.exp(-1j * np.angle(picture[mask].sum())))
    return flat


def wrapped(phase: Real) -> Real:
    """Give the same angles between -pi and pi."""
    angles: Real = np.angle(np.exp(1j * phase))
    return angles


def wraps(most: float) -> bool:
    """Tell whether phases that reach so far in rad need colours that run in a circle."""
    return most > _WRAPS


def show_phase(panel: Panel, phase: Real, judged: Real, *, title: str, extent: Extent) -> None:
    """Draw a phase on a symmetric range, or on the whole circle with cyclic colours when it fills that."""
    most = symmetric_limit(judged)
    circular = wraps(most)
    show(
        panel,
        phase,
        title=title,
        quantity="rad",
        limits=(-np.pi, np.pi) if circular else (-most, most),
        colours=CYCLIC if circular else DIVERGING,
        extent=extent,
    )
