"""Which way the axes of detector and positions run: eight orientations, tried on frames not seen.

Turning frames and positions together changes nothing but the picture's own orientation: the frames stay, and
the positions turn. Reversing both axes is the same as conjugating the probe and turning it by half a turn:
only a probe that is known tells the two apart. A detector flipped about N/2 in place of (N - 1)/2 moves the
frames by a pixel, which is a phase ramp on the object, and makes no difference here.

Measured: 80 frames of 64 x 64 at 1e6 photons, right .0009 of frames not seen, the others .024 and more; on a
real Siemens star .022 against .03.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .unseen_frames import UnseenFrames, foretell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ptycho.physics.arrays import Complex, Mask, Real
    from ptycho.reconstruction.iteration import SweepLibrary

MISFITS = "misfit of frames not seen"
"""What `AxesTrial.table` lists: the part of a sentence that a report has room for and a terminal has not."""

SWEEPS = 8
TIED = 0.1
"""Difference, as a share of what noise leaves of the misfit, within which two orientations are equal."""


STANDS_OUT = 0.6
"""Misfit beyond noise, as a share of what the next best leaves, from which an orientation stands out: .5 for
the right one of 4e3 photons a frame, .98 for the best of shuffled frames."""


class Orientation(NamedTuple):
    """How positions turn: first the exchange of x and y, then the signs."""

    swap_xy: bool = False
    flip_x: bool = False
    flip_y: bool = False

    def turn(self, positions: Real) -> NDArray[np.float64]:
        """Turn positions [x, y], shape (n, 2)."""
        turned = np.asarray(positions[:, ::-1] if self.swap_xy else positions, np.float64)
        return turned * [-1 if self.flip_x else 1, -1 if self.flip_y else 1]

    def after(self, first: Orientation) -> Orientation:
        """Give the orientation that turns as another one and then this one."""
        across, down = (first.flip_y, first.flip_x) if self.swap_xy else (first.flip_x, first.flip_y)
        return Orientation(self.swap_xy != first.swap_xy, self.flip_x != across, self.flip_y != down)

    @property
    def of_frames(self) -> Orientation:
        """Give the exchange and the signs that do the same to the frames where the positions stay."""
        flips = (self.flip_y, self.flip_x) if self.swap_xy else (self.flip_x, self.flip_y)
        return Orientation(self.swap_xy, *flips)

    def __str__(self) -> str:
        changes = ("x and y exchanged", "x reversed", "y reversed")
        return ", ".join(text for text, does in zip(changes, self, strict=True) if does) or "as they are"


AS_THEY_ARE = Orientation()
ORIENTATIONS = tuple(sorted((Orientation(*signs) for signs in product((False, True), repeat=3)), key=sum))
"""All eight, the fewest changes first: that is the order among equals."""


@dataclass(frozen=True)
class AxesTrial:
    """How each orientation of the positions explains frames not seen.

    Attributes:
        tried: What each left.
        noise: Misfit that photon noise alone makes.
    """

    tried: dict[Orientation, UnseenFrames]
    noise: float

    @property
    def best(self) -> Orientation:
        """The one that leaves least; among equals the one that changes least."""
        return self.tied[0]

    @property
    def tied(self) -> Sequence[Orientation]:
        """All that explain the frames as well as the best, in the order in which they are taken."""
        least = min(self._left(orientation) for orientation in self.tried)
        return [
            item for item in ORIENTATIONS if item in self.tried and self._left(item) <= (1 + TIED) * least
        ]

    @property
    def stands_out(self) -> bool:
        """Whether the best leaves clearly less than all others, but for those that are the same to a probe.

        Where frames are dim the right axes, too, leave most of the change from frame to frame; the wrong ones
        are then alike, as they are for frames that no axes explain.
        """
        alike = {*self.tied, Orientation(False, True, True).after(self.best)}
        others = [self._left(orientation) for orientation in self.tried if orientation not in alike]
        return bool(others) and self._left(self.best) < STANDS_OUT * min(others)

    def _left(self, orientation: Orientation) -> float:
        # Where noise is all that is left, differences of the misfit are chance.
        return max(self.tried[orientation].misfit - self.noise, TIED * self.noise)

    def table(self) -> str:
        """Say what each left, least first, in one line."""
        ranked = sorted(self.tried.items(), key=lambda item: item[1].misfit)
        return "; ".join(f"{orientation}: {unseen.misfit:.4f}" for orientation, unseen in ranked)


def try_axes(
    frames: NDArray[np.float32],
    positions: Real,
    probe: Complex,
    *,
    noise: float,
    good: Mask | None = None,
    ceiling: float | None = None,
    library: SweepLibrary | None = None,
    known: UnseenFrames | None = None,
) -> AxesTrial | None:
    """Try all orientations of the positions on some frames, with the probe learned on the way.

    Args:
        frames: Amplitudes on the scale of the probe, nearest to the middle first, shape (K, N, N).
        positions: Patch centres [x, y] in pixels, shape (K, 2).
        probe: Modes to start from, shape (P, N, N).
        noise: Misfit that photon noise alone makes.
        good: True where a detector pixel is good, shape (N, N).
        ceiling: Amplitude from which on a pixel is saturated, or None.
        library: Computes; None lets numpy do it.
        known: What the positions as they are left, where that was tried by `SWEEPS` sweeps already.

    Returns:
        What each left; None where there are too few places.
    """
    tried: dict[Orientation, UnseenFrames] = {} if known is None else {AS_THEY_ARE: known}
    for orientation in ORIENTATIONS:
        if orientation in tried:
            continue
        unseen = foretell(
            frames, orientation.turn(positions), probe,
            good=good, ceiling=ceiling, learn_probe=True, sweeps=SWEEPS, library=library,
        )  # fmt: skip
        if unseen is None:
            return None
        tried[orientation] = unseen
    return AxesTrial(tried, noise)
