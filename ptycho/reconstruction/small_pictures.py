"""Amplitude and phase of an object as small PNG files: for notebooks, a page that grows, and journals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptycho.files.notebook import png

if TYPE_CHECKING:
    from ptycho.physics.arrays import Complex, Real

_ALMOST_ALL = 99.5
"""Percentile of the amplitude that is white: a few odd pixels do not darken the rest."""


def small_pictures(picture: Complex, coverage: Real) -> dict[str, bytes]:
    """Draw "amplitude" and "phase", one pixel each; what was never scanned is transparent.

    Args:
        picture: Complex object, shape (H, W).
        coverage: Illumination of each pixel, shape (H, W); 0 where nothing was scanned.
    """
    seen = coverage > 0
    amplitude = np.where(seen, np.abs(picture), np.nan)
    top = float(np.percentile(amplitude[seen], _ALMOST_ALL)) if seen.any() else 1.0
    phase = np.where(seen, np.angle(picture), np.nan)
    return {
        "amplitude": png(amplitude, (0.0, top or 1.0), "gray"),
        "phase": png(phase, (-np.pi, np.pi), "twilight_shifted"),
    }
