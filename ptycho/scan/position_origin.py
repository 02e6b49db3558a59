"""Which point of a patch a position names, found by laying the patches on the file's own object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ptycho.scan.frames import FrameStack
from ptycho.settings.data import PositionOrigin

if TYPE_CHECKING:
    from ptycho.scan.counts_or_amplitude import Decided
    from ptycho.scan.validate import ScanArrays

__all__ = ["Placement", "compare_readings", "place_positions"]

TRIAL_FRAMES = 16
"""Frames compared with the forward model where more than one placement fits."""

CLEARLY_BETTER = 0.9
"""A less usual placement is taken when its misfit is below this part of the usual one's."""

ComplexArray = NDArray[np.complexfloating]


@dataclass(frozen=True)
class Placement:
    """How positions of the file become patch centres on the object's grid.

    Attributes:
        name: "centre", "corner" or "centred scan".
        shift: [x, y] to add, in object pixels.
        on_object: Whether all patches then lie within objectGuess; False without one.
    """

    name: str
    shift: NDArray[np.float64]
    on_object: bool


def place_positions(
    setting: PositionOrigin,
    positions: NDArray[np.float64],
    frames: FrameStack,
    probe: ComplexArray | None,
    guess: ComplexArray | None,
) -> tuple[Placement, str]:
    """Decide what the positions name, and say why.

    A position names the patch centre unless data.position_origin or the object says otherwise. With an
    object, the placements are tried whose patches all lie within it: the position as the centre, as the
    corner, and the whole scan laid on the middle of the object. Where several fit, the forward model is
    compared with a few frames, and the most usual placement holds unless another is clearly better.

    Args:
        setting: "auto", "centre" or "corner".
        positions: [x, y] as in the file, in object pixels, shape (n, 2).
        frames: The measured frames.
        probe: Modes of shape (P, N, N), or None.
        guess: The object of shape (H, W), or None.

    Returns:
        The placement, and one sentence on the reason.
    """
    side = frames.detector.side
    known = {"centre": np.zeros(2), "corner": np.full(2, float(side // 2))}
    if setting != "auto":
        shift = known[setting]
        fits = guess is not None and _fits(positions + shift, side, guess.shape)
        return Placement(setting, shift, fits), f"positions name the patch {setting}, as declared"
    if guess is None:
        return Placement(
            "centre", known["centre"], False
        ), "positions name the patch centre: there is no object to test"
    rows, columns = guess.shape
    middle = (positions.min(axis=0) + positions.max(axis=0)) / 2
    known["centred scan"] = np.array([columns // 2, rows // 2]) - middle
    fitting = {name: shift for name, shift in known.items() if _fits(positions + shift, side, guess.shape)}
    if not fitting:
        note = (
            f"positions name the patch centre: objectGuess {guess.shape} is too small for this scan to tell"
        )
        return Placement("centre", known["centre"], False), note
    name, why = _choose(fitting, positions, frames, probe, guess)
    shift = fitting[name]
    what = "lie on the middle of the object" if name == "centred scan" else f"name the patch {name}"
    return Placement(name, shift, True), f"positions {what} (shift {shift[0]:g}, {shift[1]:g} px): {why}"


def compare_readings(
    raw: Any,
    given: ScanArrays,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    bad: NDArray[np.bool_] | None = None,
) -> dict[Decided, float] | None:
    """Give the misfit of the forward model for frames read as counts and as amplitudes.

    Args:
        raw: Frames of the file, zero frequency in the middle, shape (n, N, N).
        given: The scan, for its object and its probe.
        x: Columns of the positions, in pixels.
        y: Rows of the positions.
        bad: Pixels that measure nothing, shape (H, W), or None.

    Returns:
        The misfit of the better placement by reading; None where there is no object, no probe of the frames'
        side, or no placement on the object.
    """
    side = raw.shape[-1]
    if given.guess is None or given.probe is None or raw.shape[-2] != side:
        return None
    guess, probe = np.asarray(given.guess), np.asarray(given.probe)
    if guess.ndim != 2 or probe.shape[-2:] != (side, side) or np.all(guess == 1):
        return None
    trial = np.linspace(0, len(raw) - 1, min(TRIAL_FRAMES, len(raw))).astype(np.int64)
    positions = np.stack([x, y], axis=1)
    shifts = [shift for shift in (0, side // 2) if _fits(positions + shift, side, guess.shape)]
    frames = np.maximum(np.asarray(raw[trial]).astype(np.float32), 0.0)
    good = None if bad is None else ~bad
    readings: dict[Decided, NDArray[np.float32]] = {"counts": np.sqrt(frames), "amplitude": frames}
    modes = probe.reshape(-1, side, side)
    if not shifts:
        return None
    return {
        name: min(
            _misfit(shown, _windows(guess, positions[trial] + shift, side), modes, good) for shift in shifts
        )
        for name, shown in readings.items()
    }


def _choose(
    fitting: dict[str, NDArray[np.float64]],
    positions: NDArray[np.float64],
    frames: FrameStack,
    probe: ComplexArray | None,
    guess: ComplexArray,
) -> tuple[str, str]:
    usual = next(iter(fitting))
    if len(fitting) == 1:
        return usual, "no other placement keeps all patches within objectGuess"
    if probe is None:
        return usual, "it fits objectGuess, and there is no probe to test others"
    trial = np.linspace(0, len(positions) - 1, min(TRIAL_FRAMES, len(positions))).astype(np.int64)
    measured, side = frames.amplitudes(trial), frames.detector.side
    misfits = {
        name: _misfit(measured, _windows(guess, positions[trial] + shift, side), probe, frames.mask)
        for name, shift in fitting.items()
    }
    best = min(misfits, key=lambda name: misfits[name])
    chosen = best if misfits[best] < CLEARLY_BETTER * misfits[usual] else usual
    compared = ", ".join(f"{name} {misfit:.3f}" for name, misfit in misfits.items())
    return chosen, f"misfit of the forward model on {len(trial)} frames: {compared}"


def _fits(centres: NDArray[np.float64], side: int, shape: tuple[int, ...]) -> bool:
    first = np.rint(centres) - side // 2
    return bool(np.all(first >= 0) and np.all(first + side <= np.array(shape[::-1])))


def _windows(guess: ComplexArray, centres: NDArray[np.float64], side: int) -> ComplexArray:
    first = np.rint(centres).astype(np.int64) - side // 2
    return np.stack([guess[y : y + side, x : x + side] for x, y in first])


def _misfit(
    measured: NDArray[np.float32],
    patches: ComplexArray,
    probe: ComplexArray,
    good: NDArray[np.bool_] | None = None,
) -> float:
    """Compare amplitudes frame by frame after fitting a scale to each: 0 is perfect, 1 is unrelated.

    The median over the frames: a frame without light, or one with a spike, decides nothing.
    """
    waves = np.fft.fft2(patches[:, np.newaxis] * probe, norm="ortho")
    model = np.fft.fftshift(np.sqrt(np.sum(np.abs(waves) ** 2, axis=1)), axes=(-2, -1))
    if good is not None:
        model = np.where(good, model, 0.0)
    shown = measured.astype(np.float64) if good is None else np.where(good, measured, 0.0)
    overlap = np.sum(model * shown, axis=(1, 2))
    energy = np.sum(model**2, axis=(1, 2)) * np.sum(shown**2, axis=(1, 2))
    likeness = np.divide(overlap**2, energy, out=np.zeros_like(overlap), where=energy > 0)
    return float(1.0 - np.median(likeness))
