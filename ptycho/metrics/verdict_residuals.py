"""What a picture leaves unexplained of its frames: by frame, on the detector and on the sample.

Shape legend: n frames, N frame side, H and W picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptycho.physics.canvas import Canvas, place
from ptycho.physics.illumination import probe_intensity
from ptycho.reconstruction.frame_noise import FrameSums, counts_photons
from ptycho.reconstruction.prediction import predict_frames
from ptycho.reconstruction.unseen_frames import unexplained_share
from ptycho.scan.frame_store import BELOW_CEILING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ptycho.reconstruction.result import Reconstruction
    from ptycho.scan.raw_data import RawData

PIXELS_AT_ONCE = 2**20
SCALING_FRAMES = 64
"""Frames from which the one factor between prediction and measurement is fitted."""

BELOW_NOISE = 0.5
"""Misfit, as a share of the noise, below which the numbers cannot be photons."""

ODD_SHARE = 0.1
"""Share of the change from frame to frame that an odd frame misses at least: at high doses all are small."""

ODD_FRAME = 5.0
"""Misfit of a frame, as a multiple of the middle one's, from which the frame counts as not explained."""


@dataclass(frozen=True)
class Residuals:
    """How far the frames of a scan are from what a picture predicts.

    Misfits are squared amplitude errors over good pixels, as a share of the measured energy.

    Attributes:
        misfit: Of all frames.
        noise: What photon noise alone makes of it; 0 where the photons are not known.
        misfit_of_mean: Of predicting each frame by the mean amplitude of all.
        r_factor: Sum of absolute amplitude errors / sum of amplitudes.
        photons: Mean photons of a frame; None where the numbers are not photons.
        of_frames: Misfit of each frame, as a share of its own energy, shape (n,); NaN for an empty frame.
        on_detector: Squared error / variance by photons of each pixel, 1 where noise is all that is left;
            a share of the pixel's energy where the photons are not known, shape (N, N); NaN on bad pixels.
        on_sample: Misfit of the frames that light a place, weighed by their light, shape (H, W); NaN in the
            dark.
    """

    misfit: float
    noise: float
    misfit_of_mean: float
    r_factor: float
    photons: float | None
    of_frames: NDArray[np.float64]
    on_detector: NDArray[np.float64]
    on_sample: NDArray[np.float64]

    @property
    def unexplained(self) -> float:
        """Share of the change from frame to frame, beyond noise, that the picture misses."""
        return unexplained_share(self.misfit, self.misfit_of_mean, self.noise)

    @property
    def odd_frames(self) -> NDArray[np.int64]:
        """Frames that are explained far worse than most, and empty ones."""
        finite = self.of_frames[np.isfinite(self.of_frames)]
        if not finite.size:
            return np.arange(len(self.of_frames))
        change = max(self.misfit_of_mean - self.noise, 0.0)
        limit = max(ODD_FRAME * max(float(np.median(finite)), self.noise), self.noise + ODD_SHARE * change)
        return np.flatnonzero(~(self.of_frames <= limit))


def residuals_of(reconstruction: Reconstruction, scan: RawData) -> Residuals:
    """Predict every frame from a picture and its probe, and compare.

    Args:
        reconstruction: The picture; a single factor between its scale and the frames is fitted.
        scan: The frames that it was made from.
    """
    # What mostly is saturated hardly changes from frame to frame, and has no noise to be measured by.
    good = np.ones((scan.N, scan.N), bool) if scan.unclipped is None else scan.unclipped
    factor = _factor(reconstruction, scan, good)
    sums, squared = FrameSums(int(good.sum())), np.zeros(int(good.sum()))
    absolute = 0.0
    errors, energies = np.zeros(scan.n_frames), np.zeros(scan.n_frames)
    for rows in _portions(scan.n_frames, scan.N):
        measured = scan.amplitudes(rows)[:, good].astype(np.float64)
        error = measured - factor * _predicted(reconstruction, rows)[:, good]
        if scan.ceiling is not None:
            # A saturated pixel says no more than that as much fell on it.
            error = np.where(measured >= BELOW_CEILING * scan.ceiling, np.maximum(error, 0.0), error)
        sums.add(measured)
        squared += (error**2).sum(axis=0)
        absolute += float(np.abs(error).sum())
        errors[rows], energies[rows] = (error**2).sum(axis=1), (measured**2).sum(axis=1)
    misfit = float(squared.sum()) / sums.energy
    counted = counts_photons(scan) and misfit > BELOW_NOISE * sums.noise
    on_detector = np.full(good.shape, np.nan)
    by = sums.variance if counted else sums.square
    on_detector[good] = np.divide(squared, by, out=np.zeros_like(by), where=by > 0)
    of_frames = np.divide(errors, energies, out=np.full_like(errors, np.nan), where=energies > 0)
    return Residuals(
        misfit=misfit,
        noise=sums.noise if counted else 0.0,
        misfit_of_mean=sums.misfit_of_mean,
        r_factor=absolute / max(float(sums.amplitude.sum()), np.finfo(np.float64).tiny),
        photons=sums.energy / sums.count if counted else None,
        of_frames=of_frames,
        on_detector=on_detector,
        on_sample=_on_sample(reconstruction, of_frames),
    )


def _portions(count: int, N: int) -> Iterator[NDArray[np.int64]]:
    step = max(1, PIXELS_AT_ONCE // N**2)
    for start in range(0, count, step):
        yield np.arange(start, min(start + step, count))


def _predicted(reconstruction: Reconstruction, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    x, y = (round(float(value)) for value in reconstruction.origin_px)
    return predict_frames(reconstruction.object, (x, y), reconstruction.probe, reconstruction.positions[rows])


def _factor(reconstruction: Reconstruction, scan: RawData, good: NDArray[np.bool_]) -> float:
    """Fit the one number that the scale of picture and probe leaves open."""
    count = min(SCALING_FRAMES, scan.n_frames)
    rows = np.unique(np.linspace(0, scan.n_frames - 1, count).astype(np.int64))
    predicted = _predicted(reconstruction, rows)[:, good].astype(np.float64)
    light = float(np.sum(predicted**2))
    return float(np.sum(scan.amplitudes(rows)[:, good] * predicted)) / light if light > 0 else 0.0


def _on_sample(reconstruction: Reconstruction, of_frames: NDArray[np.float64]) -> NDArray[np.float64]:
    probe = reconstruction.probe
    light = probe_intensity(probe).astype(np.float64)
    known = np.isfinite(of_frames)
    height, width = reconstruction.object.shape
    x, y = (round(float(value)) for value in reconstruction.origin_px)
    canvas = Canvas((x, y), (height, width))
    positions = reconstruction.positions[known]
    shown = np.full((height, width), np.nan)
    if not known.any() or not light.max() > 0:
        return shown
    weighed = np.zeros((height, width))
    for rows in _portions(len(positions), len(light)):
        weighed += place(of_frames[known][rows, None, None] * light, positions[rows], canvas)
    total = place(light, positions, canvas)
    lit = total > 1e-3 * total.max()
    shown[lit] = weighed[lit] / total[lit]
    return shown
