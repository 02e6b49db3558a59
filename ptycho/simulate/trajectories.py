"""Paths of a scan over the sample."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Trajectory", "draw_positions"]

Positions = NDArray[np.float64]
Trajectory = Literal["raster", "spiral"]

GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))


def draw_positions(
    trajectory: Trajectory, n_frames: int, step_px: float, jitter_px: float, rng: np.random.Generator
) -> Positions:
    """Draw the path of a scan.

    Args:
        trajectory: A raster, or a spiral whose positions are as dense.
        n_frames: Number of positions.
        step_px: Distance of neighbouring positions.
        jitter_px: Largest random displacement along each axis.
        rng: The one source of randomness.

    Returns:
        [x, y] in pixels from an arbitrary origin, shape (n_frames, 2).
    """
    index = np.arange(n_frames)
    if trajectory == "spiral":
        # One position per step² of area, as on the raster.
        radius, angle = step_px * np.sqrt(index / np.pi), GOLDEN_ANGLE * index
        path = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    else:
        columns = int(np.ceil(np.sqrt(n_frames)))
        path = step_px * np.stack([index % columns, index // columns], axis=1).astype(np.float64)
    jitter = rng.uniform(-jitter_px, jitter_px, size=(n_frames, 2))
    moved: Positions = path + jitter
    return moved
