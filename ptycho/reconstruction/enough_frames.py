"""As many frames of a dense scan as a first picture needs, spread evenly over the field.

Shape legend: n positions, P probe modes, N patch side.
"""

from __future__ import annotations

import numpy as np

from ptycho.physics.arrays import Complex, Inexact
from ptycho.physics.canvas import require_positions
from ptycho.physics.illumination import probe_intensity
from ptycho.physics.patches import Positions

BEAMS_ENOUGH = 4.0
"""Beams on a pixel that are enough for a picture which sweeps over all frames follow.

Measured on eleven simulated scans of 11 to 16 beams on a pixel, 1e3 to 1e9 photons, 48 to 128 px: one sweep
after the network, the phase correlation from a third or a quarter of the frames was within .01 of that from
all. At 2 beams half of the frames cost .09."""

FEWEST = 32
"""Frames that are never thinned further: their time goes into the network's own layers."""

LEVELS = 16
"""Halvings of the field along each axis by which positions are told apart."""


def enough_frames(positions: Positions, probe: Complex) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Choose every frame of a scan, or every so many-th where neighbours show the same.

    Args:
        positions: Patch centres [x, y] in pixels, shape (n, 2).
        probe: Complex modes, shape (P, N, N).

    Returns:
        Indices into the positions, ascending; the same places in whatever order the frames lie.
    """
    require_positions(positions)
    count = len(positions)
    surplus = min(beams_on_a_pixel(positions, probe_intensity(probe)) / BEAMS_ENOUGH, count / FEWEST)
    every = max(1, round(surplus))
    return np.sort(_by_neighbourhood(positions)[::every])


def beams_on_a_pixel(positions: Positions, light: Inexact) -> float:
    """Tell how many beams meet on a pixel of the field, on average.

    Args:
        positions: Patch centres [x, y] in pixels, shape (n, 2).
        light: Intensity of the probe, shape (N, N).
    """
    # The area that as much light would fill evenly: tails of a beam count little.
    area = float(light.sum(dtype=np.float64)) ** 2 / float(np.square(light, dtype=np.float64).sum())
    width, height = np.ptp(positions, axis=0) + np.sqrt(area)
    return len(positions) * area / float(width * height)


def _by_neighbourhood(positions: Positions) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Order positions so that neighbours in the row are neighbours in the field.

    Source:
        Morton (1966): the bits of both coordinates take turns in one number.
    """
    low = positions.min(axis=0)
    extent = max(float(np.ptp(positions, axis=0).max()), np.finfo(np.float64).tiny)
    cells = np.minimum((positions - low) / extent * 2**LEVELS, 2**LEVELS - 1).astype(np.int64)
    number = np.zeros(len(cells), np.int64)
    for level in range(LEVELS):
        for axis in (0, 1):
            number |= (cells[:, axis] >> level & 1) << (2 * level + axis)
    # Positions of one cell by their coordinates: the order in the file plays no part.
    return np.lexsort((positions[:, 0], positions[:, 1], number))
