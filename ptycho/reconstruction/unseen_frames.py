"""Do some frames foretell others? Sweeps over most frames of a neighbourhood, judged by those left out.

A picture with enough freedom explains the frames that it was made from, also with swapped axes or a wrong
probe: such misfits were .018 to .03 where the right axes gave .0006, and .0116 on a real scan with the right
ones. What it says about frames that it has never seen is the picture's own. The right geometry left 1 to 20 %
of their change from frame to frame unexplained there, every wrong one 60 % and more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .iteration import SweepSettings
from .prediction import predict_frames
from .short_sweeps import sweep_frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptycho.physics.arrays import Complex, Mask, Real
    from ptycho.reconstruction.iteration import SweepLibrary

NEIGHBOURS = 120
"""Frames of the neighbourhood: enough overlap for a picture, and sweeps of a second."""

LEFT_OUT = 6
"""One place in so many is left out."""

SWEEPS = 12
BATCH_SIZE = 16
MOMENTUM = 0.5
SAME_PLACE_PX = 0.5
"""Frames closer than this show the same: they are left out together, or one would give away the other."""

INNER = 0.6
"""Share of the neighbourhood, from its middle, of which frames are left out: nothing covers its rim."""


MOSTLY = 0.5
"""Share of the frames in which a pixel may be saturated and still be asked."""

PICTURE_NOISE = 0.1
"""Noise that the picture itself adds at most, as a share of that of a frame. At 1e3 photons a frame the right
picture of 200 frames missed .55 of their change with it and .41 without, a mirrored one 1.06 and .81."""


ALL_BUT = 0.06
"""Share of the change from frame to frame that right axes and a learned probe leave at most."""

FAIR, ROUGH = 0.3, 0.4
NEAR_NOISE = 2.5


@dataclass(frozen=True)
class UnseenFrames:
    """How a picture of some frames explains others.

    Attributes:
        misfit: Squared amplitude error of the frames left out, as a share of their energy.
        misfit_of_mean: The same where each is predicted by the mean amplitude of the frames.
        seen_misfit: Misfit of the frames that the picture was made from, in the last sweep.
        count: Frames left out.
    """

    misfit: float
    misfit_of_mean: float
    seen_misfit: float
    count: int

    def unexplained(self, noise: float) -> float:
        """Give the share of the change from frame to frame, beyond noise, that stays unexplained.

        A picture of noisy frames is noisy, which makes it fit those that it has seen as much better as it
        fits others worse. That part, within what noise can do, is not held against it.

        Args:
            noise: Misfit that photon noise alone makes.
        """
        own_noise = min(max(0.0, self.misfit - self.seen_misfit) / 2, PICTURE_NOISE * noise)
        return unexplained_share(self.misfit - own_noise, self.misfit_of_mean, noise)

    def explains(self, noise: float) -> bool:
        """Tell whether nothing is left to search for: next to all is explained, or noise is near."""
        missed = self.unexplained(noise)
        return missed <= ALL_BUT or (missed <= FAIR and self.misfit <= NEAR_NOISE * noise)

    def may_be_right(self, noise: float) -> bool:
        """Tell whether axes and probe can be right, if rough: wrong ones miss .6 of the change and more."""
        return self.unexplained(noise) <= ROUGH


def unexplained_share(misfit: float, misfit_of_mean: float, noise: float) -> float:
    """Give the part of what distinguishes frames from their mean that a prediction misses.

    0 is a perfect one, 1 says no more than the mean frame; infinite where the mean explains all but noise.
    """
    change = misfit_of_mean - noise
    return max(0.0, misfit - noise) / change if change > 0 else float("inf")


def neighbourhood(positions: Real, count: int = NEIGHBOURS) -> NDArray[np.int64]:
    """Choose the frames around the middle of a scan, nearest first.

    Args:
        positions: Patch centres [x, y] in pixels, shape (n, 2).
        count: How many.
    """
    distance = np.sum((positions - np.median(positions, axis=0)) ** 2, axis=1)
    return np.argsort(distance, kind="stable")[:count]


def foretell(  # noqa: PLR0913  Each wish by its name.
    frames: NDArray[np.float32],
    positions: Real,
    probe: Complex,
    *,
    good: Mask | None = None,
    ceiling: float | None = None,
    learn_probe: bool = False,
    sweeps: int = SWEEPS,
    library: SweepLibrary | None = None,
    seed: int = 0,
) -> UnseenFrames | None:
    """Make a picture of most frames of a neighbourhood, and hold it against the others.

    Args:
        frames: Amplitudes on the scale of the probe, nearest to the middle first, shape (K, N, N).
        positions: Patch centres [x, y] in pixels, shape (K, 2).
        probe: Modes, shape (P, N, N).
        good: True where a detector pixel is good, shape (N, N).
        ceiling: Amplitude from which on a pixel is saturated, or None.
        learn_probe: Move the probe, too.
        sweeps: How many.
        library: Computes; None lets numpy do it.
        seed: Seed of the choice of frames.

    Returns:
        What came of it; None where there are too few places to leave any out.
    """
    unseen = _left_out(np.asarray(positions, np.float64), np.random.default_rng(seed))
    if not unseen.any():
        return None
    settings = SweepSettings(batch_size=BATCH_SIZE, momentum=MOMENTUM, learn_probe=learn_probe)
    picture = sweep_frames(
        frames[~unseen],
        positions[~unseen],
        probe,
        sweeps=sweeps,
        settings=settings,
        good=good,
        ceiling=ceiling,
        library=library,
    )
    pixels = np.ones(frames.shape[1:], bool) if good is None else good
    if ceiling is not None:
        # What mostly is saturated hardly changes from frame to frame: it tells nothing of a picture.
        pixels = pixels & (np.mean(frames >= ceiling, axis=0) <= MOSTLY)
    predicted = predict_frames(picture.object, picture.origin_px, picture.probe, positions[unseen])[:, pixels]
    measured = frames[unseen][:, pixels].astype(np.float64)
    mean = frames[:, pixels].mean(axis=0, dtype=np.float64)
    energy = max(float(np.sum(measured**2)), np.finfo(np.float64).tiny)
    return UnseenFrames(
        misfit=_squared_error(measured, predicted, ceiling) / energy,
        misfit_of_mean=_squared_error(measured, mean, ceiling) / energy,
        seen_misfit=picture.misfit,
        count=int(unseen.sum()),
    )


def _squared_error(measured: Real, predicted: Real, ceiling: float | None) -> float:
    error = measured - predicted
    if ceiling is not None:
        # A saturated pixel says no more than that as much fell on it.
        error = np.where(measured >= ceiling, np.maximum(error, 0.0), error)
    return float(np.sum(error**2))


def _left_out(positions: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Mark the frames to leave out: whole places, of the inner ones."""
    cell = np.rint(positions / SAME_PLACE_PX).astype(np.int64)
    _, first, place = np.unique(cell, axis=0, return_index=True, return_inverse=True)
    in_order = np.argsort(first)
    inner = in_order[: int(INNER * len(in_order))]
    chosen = rng.permutation(inner)[: len(in_order) // LEFT_OUT]
    return np.isin(place.reshape(-1), chosen)
