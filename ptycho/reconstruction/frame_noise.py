"""What of the difference between frames is photon noise, from the frames alone.

Shape legend: n frames, M good pixels of a frame.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ptycho.physics.noise import amplitude_noise, amplitude_variance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptycho.reconstruction.iteration import Measurement
    from ptycho.scan.raw_data import RawData

SAMPLED_FRAMES = 256
"""Frames that the noise is estimated from."""

LOOKED_AT = 4
"""Frames that tell whether squared amplitudes are whole numbers."""

WHOLE = 1e-3
"""How far from a whole number, as a share of it, the square of an amplitude of counts may lie in float32."""


class FrameSums:
    """Sums over frames, pixel by pixel, in the unit of the frames.

    Args:
        pixels: Good pixels of a frame.

    Attributes:
        amplitude: Sum of amplitudes, shape (M,).
        square: Sum of squared amplitudes, shape (M,).
        count: Frames.
    """

    def __init__(self, pixels: int) -> None:
        self.amplitude, self.square = np.zeros(pixels), np.zeros(pixels)
        self._fourth = np.zeros(pixels)
        self.count = 0

    def add(self, measured: NDArray[np.float64]) -> None:
        """Add amplitudes, shape (n, M)."""
        self.amplitude += measured.sum(axis=0)
        self.square += (measured**2).sum(axis=0)
        self._fourth += (measured**4).sum(axis=0)
        self.count += len(measured)

    @property
    def energy(self) -> float:
        """Sum of all squared amplitudes, not quite zero for empty frames."""
        return max(float(self.square.sum()), np.finfo(np.float64).tiny)

    @property
    def misfit_of_mean(self) -> float:
        """Squared error of predicting each frame by the mean amplitude of all, as a share of the energy."""
        return 1 - float((self.amplitude**2).sum()) / max(self.count, 1) / self.energy

    @property
    def variance(self) -> NDArray[np.float64]:
        """Squared error that photon noise causes over all frames, if the squares are photons, shape (M,)."""
        mean = self.square / max(self.count, 1)
        # What counts vary more than photons do is the change of the rate from frame to frame.
        spread = np.sqrt(np.maximum(self._fourth / max(self.count, 1) - mean**2 - mean, 0))
        return np.asarray(self.count * amplitude_variance(mean, spread))

    @property
    def noise(self) -> float:
        """Misfit that photon noise alone makes, if the squares are photons."""
        return float(self.variance.sum()) / self.energy


def counts_photons(scan: RawData) -> bool:
    """Tell whether the squared amplitudes of a scan are photons: counts, or whole numbers all the same."""
    if scan.quantity == "counts":
        return True
    rows = np.unique(np.linspace(0, scan.n_frames - 1, min(LOOKED_AT, scan.n_frames)).astype(np.int64))
    squares = np.square(scan.amplitudes(rows).astype(np.float64))
    bright = squares[squares > 0.5]
    return bool(bright.size) and bool((np.abs(bright - np.rint(bright)) <= WHOLE * bright).all())


def noise_of(measurement: Measurement, counts_of_unit: float) -> float:
    """Estimate the misfit that photon noise alone makes, from the mean frame.

    Frames differ, and the noise of an amplitude grows less than its mean: the mean frame tells too much, by a
    factor of 1.1 at 1e3 photons a frame and 1.2 at 1e4 and 1e5 (simulated textures).

    Args:
        measurement: Frames in normalised amplitude.
        counts_of_unit: Photons of a pixel whose normalised amplitude is 1.
    """
    count = len(measurement)
    chosen = np.unique(np.linspace(0, count - 1, min(SAMPLED_FRAMES, count)).astype(np.int64))
    mean = np.mean(np.square(measurement.frames(chosen), dtype=np.float64), axis=0) * counts_of_unit
    if measurement.good is not None:
        mean = mean[measurement.good]
    total = float(mean.sum())
    return float(amplitude_noise(mean).sum() / total) if total > 0 else math.inf
