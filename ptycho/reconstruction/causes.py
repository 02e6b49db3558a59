"""Why a picture does not explain its frames: each cause that could be is tried on frames not seen.

Shape legend: K frames, P probe modes, N frame side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from ptycho.physics.illumination import orthogonal_modes

from .axes_trial import AS_THEY_ARE, SWEEPS, try_axes
from .frame_order import find_slip, moved
from .from_frames import reconstruct_frames
from .iteration import Measurement
from .position_shape import (
    LARGEST_STRETCH,
    LARGEST_TURN_DEG,
    STRETCH_STEP,
    TURN_STEP_DEG,
    stretched,
    turned,
    walk,
)
from .probe_search import try_defocus
from .trials import Trial
from .unseen_frames import UnseenFrames, foretell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from ptycho.physics.arrays import Complex, Mask, Real
    from ptycho.reconstruction.iteration import SweepLibrary
    from ptycho.reconstruction.trials import Cause

UNITS = (0.5, 2.0)
"""Factors of the positions: wrong pixel sizes are often wrong by such ones, too far for a walk to find."""

DARKEST = 0.02
"""Share of the pixels that are taken for dark ones: no beam lights the corners of its detector."""

MORE_MODES = 2
POSITION_SWEEPS = 16
WORST_PIXELS = 0.005
"""Share of the detector that is masked for a trial, where its errors are largest."""


@dataclass(frozen=True)
class Suspects:
    """Frames around the middle of a scan, and what is thought to explain them.

    Attributes:
        frames: Amplitudes on the scale of the probe, nearest to the middle first, shape (K, N, N).
        positions: Patch centres [x, y] in pixels, shape (K, 2).
        probe: Modes, shape (P, N, N).
        noise: Misfit that photon noise alone makes.
        counts_of_unit: Photons of a pixel whose normalised amplitude is 1.
        good: True where a detector pixel is good, shape (N, N), or None.
        ceiling: Amplitude from which on a pixel is saturated, or None.
        errors: Squared error of each detector pixel in the picture, shape (N, N); NaN on bad ones.
        library: Computes; None lets numpy do it.
        quantity: What the file's numbers were taken for.
        numbers: Which frame of the scan each is, shape (K,).
        rotation_deg: By how much the settings have turned the positions already.
        distance_m: Distance of the detector where positions became pixels by it, or None.
        listed: Positions of all frames in the order of the file, shape (n, 2), or None.
        summed: How many detector pixels of the file are summed in one.
        dark: What is taken off every pixel already, or None where that is a picture.
    """

    frames: NDArray[np.float32]
    positions: NDArray[np.float64]
    probe: NDArray[np.complex64]
    noise: float
    counts_of_unit: float
    good: Mask | None
    ceiling: float | None
    errors: NDArray[np.float64]
    library: SweepLibrary
    numbers: NDArray[np.int64]
    quantity: Literal["counts", "amplitude"] = "counts"
    rotation_deg: float = 0.0
    distance_m: float | None = None
    listed: NDArray[np.float64] | None = None
    summed: int = 1
    dark: float | None = 0.0

    def leaves(
        self, *, positions: Real | None = None, probe: Complex | None = None, good: Mask | None = None
    ) -> UnseenFrames | None:
        """Ask what frames not seen are left with something changed."""
        return foretell(
            self.frames,
            self.positions if positions is None else positions,
            self.probe if probe is None else probe,
            good=self.good if good is None else good,
            ceiling=self.ceiling,
            learn_probe=True,
            sweeps=SWEEPS,
            library=self.library,
        )

    def only(self, chosen: NDArray[np.bool_]) -> Suspects:
        """Give some of the frames."""
        parts = {name: getattr(self, name)[chosen] for name in ("frames", "positions", "numbers")}
        return replace(self, **parts)


Found = tuple["Cause", str, float, str]
"""A cause, what was tried, what it left, and what to write."""


def try_causes(suspects: Suspects, *, search_probe: bool) -> tuple[Trial, ...]:
    """Try axes, probe, positions, their order, units, rotation, samples, mask, background, modes, quantity.

    Args:
        suspects: The frames.
        search_probe: Whether another probe is searched, too, which takes longest.

    Returns:
        One trial a cause, the best of its kind; none where there are too few places.
    """
    base = suspects.leaves()
    if base is None:
        return ()
    trials = [_axes(suspects, base), _corrected_positions(suspects), _order(suspects)]
    trials += [_stretch(suspects, base, UNITS), _rotation(suspects, base), _samples(suspects)]
    trials += [_mask(suspects), _background(suspects, base), _modes(suspects), _quantity(suspects, base)]
    if search_probe:
        trials.append(_probe(suspects))
    return _as_trials(suspects, base, trials)


def try_shape(suspects: Suspects) -> tuple[Trial, ...]:
    """Try whether the positions are stretched or turned as a whole, which pictures hide best.

    Returns:
        Two trials; none where there are too few places.
    """
    base = suspects.leaves()
    if base is None:
        return ()
    return _as_trials(suspects, base, [_stretch(suspects, base), _rotation(suspects, base)])


def _as_trials(suspects: Suspects, base: UnseenFrames, found: Sequence[Found | None]) -> tuple[Trial, ...]:
    return tuple(
        Trial(cause, what, misfit, base.misfit, suspects.noise, advice)
        for cause, what, misfit, advice in filter(None, found)
    )


def _axes(suspects: Suspects, base: UnseenFrames) -> Found | None:
    trial = try_axes(
        suspects.frames, suspects.positions, suspects.probe,
        noise=suspects.noise, good=suspects.good, ceiling=suspects.ceiling,
        library=suspects.library, known=base,
    )  # fmt: skip
    if trial is None:
        return None
    others = {turn: unseen.misfit for turn, unseen in trial.tried.items() if turn != AS_THEY_ARE}
    best = min(others, key=others.__getitem__)
    flags = [f"data.{name} the other way" for name, does in best._asdict().items() if does]
    return "axes", str(best), others[best], ", ".join(flags)


def _corrected_positions(suspects: Suspects) -> Found | None:
    moved = suspects.leaves(positions=_corrected(suspects))
    if moved is None:
        return None
    return "positions", "each corrected", moved.misfit, "inference.correct_positions = true"


def _ask_at(suspects: Suspects, move: Callable[[float], NDArray[np.float64]]) -> Callable[[float], float]:
    def ask(value: float) -> float:
        unseen = suspects.leaves(positions=move(value))
        return math.inf if unseen is None else unseen.misfit

    return ask


def _stretch(suspects: Suspects, base: UnseenFrames, also: Sequence[float] = ()) -> Found:
    """Search how far apart the positions are, near by in steps and by the factors that units are wrong by."""
    ask = _ask_at(suspects, lambda value: stretched(suspects.positions, math.exp(value)))
    best = walk(ask, base.misfit, step=STRETCH_STEP, limit=LARGEST_STRETCH)
    tried = {factor: ask(math.log(factor)) for factor in also}
    # Where nothing near by is better, a factor that is tried has to be another one.
    if best.value != 0 or not tried:
        tried = {math.exp(best.value): best.misfit} | tried
    factor = min(tried, key=tried.__getitem__)
    what = f"positions {factor:.3g} times as far apart"
    setting = "data.position_unit, distance_m or pixel_size_m"
    if suspects.distance_m is not None:
        setting = f"data.distance_m = {suspects.distance_m / factor:.4g}, or what else scales them"
    return "units", what, tried[factor], f"{what}: {setting}"


def _rotation(suspects: Suspects, base: UnseenFrames) -> Found:
    ask = _ask_at(suspects, lambda value: turned(suspects.positions, value))
    best = walk(ask, base.misfit, step=TURN_STEP_DEG, limit=LARGEST_TURN_DEG)
    advice = f"data.rotation_deg = {suspects.rotation_deg + best.value:.3g}"
    return "rotation", f"positions turned by {best.value:.3g} degrees", best.misfit, advice


def _order(suspects: Suspects) -> Found | None:
    """Ask from which frame on all lie one position off: the detector missed a trigger, or took one more."""
    listed = suspects.listed
    if listed is None:
        return None

    def ask(first: int, step: int) -> float:
        unseen = suspects.leaves(positions=moved(listed, suspects.numbers, first, step))
        return math.inf if unseen is None else unseen.misfit

    slip = find_slip(ask, suspects.numbers)
    fits = "after" if slip.step > 0 else "before"
    setting = "positions_without_frame" if slip.step > 0 else "frames_without_position"
    what = f"frames from {slip.first} on at the position {fits} theirs"
    return "order", what, slip.misfit, f'{what}: data.{setting} = "{slip.first}"'


def _background(suspects: Suspects, base: UnseenFrames) -> Found | None:
    """Take off what the darkest pixels show in all frames, as a detector without a dark frame leaves it."""
    if suspects.quantity != "counts" or suspects.dark is None:
        return None
    intensity = np.square(suspects.frames)
    good = np.ones(intensity.shape[1:], bool) if suspects.good is None else suspects.good
    level = float(np.quantile(intensity.mean(axis=0)[good], DARKEST))
    if level <= 0:
        return None
    lit = np.where(good, np.maximum(intensity - level, 0.0), 0.0)
    if not lit.any():
        return None
    frames = np.sqrt(lit * (intensity[:, good].sum(dtype=np.float64) / lit.sum(dtype=np.float64)))
    unseen = replace(suspects, frames=frames.astype(np.float32), ceiling=None).leaves()
    if unseen is None:
        return None
    counts = suspects.dark + level * suspects.counts_of_unit / suspects.summed
    # What is left is held against what changes from frame to frame, of which no background is a part.
    misfit = unseen.misfit * base.misfit_of_mean / unseen.misfit_of_mean
    return "background", f"{counts:.4g} taken off every pixel", misfit, f"data.dark = {counts:.4g}"


def _samples(suspects: Suspects) -> Found | None:
    """Ask the first and the second half of the scan, each for itself: a stack may hold two samples."""
    middle = int(np.median(suspects.numbers)) + 1
    halves = [suspects.only(suspects.numbers < middle), suspects.only(suspects.numbers >= middle)]
    left = [unseen for half in halves if (unseen := half.leaves()) is not None]
    if len(left) < len(halves):
        return None
    misfit = sum(unseen.misfit * unseen.count for unseen in left) / sum(unseen.count for unseen in left)
    what = f"frames before and after {middle}, each half alone"
    return "samples", what, misfit, f"several samples ({what}): number them in 'scan_index' of the file"


def _mask(suspects: Suspects) -> Found | None:
    without = _without_worst(suspects)
    masked = suspects.leaves(good=without)
    if masked is None:
        return None
    count = int(np.count_nonzero(~without))
    advice = "a data.mask of the pixels that residuals.png shows bright"
    return "mask", f"{count} pixels left out", masked.misfit, advice


def _modes(suspects: Suspects) -> Found | None:
    modes = len(suspects.probe) + MORE_MODES
    more = suspects.leaves(probe=orthogonal_modes(suspects.probe, modes).astype(np.complex64))
    if more is None:
        return None
    return "modes", f"{modes} probe modes", more.misfit, f"model.probe_modes = {modes}"


def _probe(suspects: Suspects) -> Found | None:
    mean = np.sqrt(np.mean(np.square(suspects.frames, dtype=np.float64), axis=0))
    tried = try_defocus(
        suspects.frames, suspects.positions, mean,
        good=suspects.good, ceiling=suspects.ceiling, library=suspects.library,
    )  # fmt: skip
    if not tried:
        return None
    radius, unseen = tried[0]
    what = f"from the mean frame, spread to {abs(radius):.0f} px"
    return "probe", what, unseen.misfit, 'another probe: none in the file, and data.axes = "auto"'


def _quantity(suspects: Suspects, base: UnseenFrames) -> Found | None:
    """Take counts for amplitudes, or amplitudes for counts: both are the same numbers in the file."""
    amplitudes = np.square(suspects.frames) if suspects.quantity == "counts" else np.sqrt(suspects.frames)
    energy, as_taken = (
        float(np.square(frames, dtype=np.float64).sum()) for frames in (amplitudes, suspects.frames)
    )
    other = "amplitude" if suspects.quantity == "counts" else "counts"
    frames = (amplitudes * np.sqrt(as_taken / energy)).astype(np.float32)
    unseen = replace(suspects, frames=frames, ceiling=None).leaves()
    if unseen is None:
        return None
    # Roots differ less from their mean than their squares do: what counts is the share of the change.
    misfit = unseen.misfit * base.misfit_of_mean / unseen.misfit_of_mean
    return "quantity", f"the numbers as {other}", misfit, f'data.quantity = "{other}"'


def _corrected(suspects: Suspects) -> NDArray[np.float64]:
    frames = suspects.frames
    return reconstruct_frames(
        suspects.library,
        Measurement(lambda rows: frames[rows], suspects.positions, suspects.good, suspects.ceiling),
        suspects.probe,
        counts_of_unit=suspects.counts_of_unit,
        sweeps=POSITION_SWEEPS,
        correct_positions=True,
    ).positions


def _without_worst(suspects: Suspects) -> NDArray[np.bool_]:
    """Mask the pixels with the largest errors, and those that are masked already."""
    errors = np.where(np.isfinite(suspects.errors), suspects.errors, -np.inf)
    worst = np.argsort(errors, axis=None)[-max(1, int(WORST_PIXELS * errors.size)) :]
    good = np.ones(errors.shape, bool) if suspects.good is None else suspects.good.copy()
    good.ravel()[worst] = False
    return good
