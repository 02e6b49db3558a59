"""A probe from nothing but frames: the mean frame tells its far field's modulus, a search the phase.

The mean frame over many places of the object is nearly the far-field intensity of the probe. Its phase is
taken for a defocus, that is searched, and for an astigmatism; short sweeps from each, with the probe learned,
are judged by frames that they have not seen. What lenses leave beyond that the sweeps learn.

Measured (1e6 photons, 64 x 64): 27 steps of defocus in 1.7 s, the right one .0023, most others .0375; after
20 more sweeps the overlap with the true probe is .999. Real Siemens star (128 x 128): 6 s, right basin.

Shape legend: K frames, P probe modes, N frame side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptycho.physics.fourier import back_propagate
from ptycho.physics.illumination import orthogonal_modes
from ptycho.physics.scale import DEFAULT_RATIO

from .iteration import SweepSettings
from .short_sweeps import sweep_frames
from .unseen_frames import MOMENTUM, UnseenFrames, foretell

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ptycho.physics.arrays import Mask, Real
    from ptycho.reconstruction.iteration import SweepLibrary

WIDEST = 0.4
"""Radius to which defocus may spread the beam, as a share of the side: wider beams overlap themselves."""

STEP = 0.03
"""Step of that radius. The basin around the right one was two to four steps wide, simulated and real."""

COARSE_FRAMES, COARSE_SWEEPS = 60, 5
FINE_SWEEPS = 8
LEARNING_SWEEPS = 20
RIM = 0.9
"""Share of the light inside the rim of the aperture."""

BETTER = 0.95
"""Misfit, as a share of the best so far, below which astigmatism is believed."""


@dataclass(frozen=True)
class FoundProbe:
    """A probe that was found from the frames.

    Attributes:
        probe: Modes on the scale of the frames, shape (P, N, N), complex64.
        unseen: How it explains frames not seen.
        defocus_px: Radius to which its defocus spreads the beam, negative on the other side of the focus.
        astigmatism_px: The same for the two astigmatisms: along the axes, and between them.
    """

    probe: NDArray[np.complex64]
    unseen: UnseenFrames
    defocus_px: float
    astigmatism_px: tuple[float, float]

    def __str__(self) -> str:
        bent = (
            ""
            if not any(self.astigmatism_px)
            else (f", astigmatism {self.astigmatism_px[0]:.1f} and {self.astigmatism_px[1]:.1f} px")
        )
        return f"mean frame with a defocus that spreads it to {abs(self.defocus_px):.1f} px{bent}"


@dataclass(frozen=True)
class _Phases:
    """Modulus of a far field, and what bends its phase by a pixel of beam radius at its rim, each (N, N)."""

    modulus: NDArray[np.float64]
    defocus: NDArray[np.float64]
    along: NDArray[np.float64]
    between: NDArray[np.float64]
    energy: float

    @classmethod
    def of(cls, modulus: Real, energy: float) -> _Phases:
        N = len(modulus)
        axis = np.arange(N) - N // 2
        y, x = axis[:, None] / (N / 2), axis[None, :] / (N / 2)
        radius = np.hypot(x, y)
        order = np.argsort(radius, axis=None)
        light = np.cumsum(np.square(modulus).ravel()[order])
        rim = max(radius.ravel()[order][np.searchsorted(light, RIM * light[-1])], 2 / N)
        # A phase a r^2 moves the ray at r, in units of N/2, by (N / 2 pi) 2 a r / (N/2) = 2 a r / pi pixels.
        unit = np.pi / (2 * rim)
        return cls(
            np.asarray(modulus, np.float64), unit * radius**2, unit * (x**2 - y**2), unit * 2 * x * y, energy
        )

    def probe(self, defocus: float, along: float = 0.0, between: float = 0.0) -> NDArray[np.complex64]:
        """Bring the far field to the sample, with the energy of a probe behind which nothing is brighter."""
        phase = defocus * self.defocus + along * self.along + between * self.between
        # A far field without a slope is a beam around pixel [0, 0]: it belongs to the middle.
        wave = np.fft.fftshift(back_propagate(self.modulus * np.exp(1j * phase)))
        return np.asarray(wave * np.sqrt(self.energy / np.sum(np.abs(wave) ** 2)), np.complex64)[None]


def try_defocus(
    frames: NDArray[np.float32],
    positions: Real,
    mean_frame: Real,
    *,
    good: Mask | None = None,
    ceiling: float | None = None,
    library: SweepLibrary | None = None,
) -> list[tuple[float, UnseenFrames]]:
    """Ask on few frames, in few sweeps, what each defocus leaves; arguments as for `find_probe`.

    Returns:
        Radius in pixels to which the defocus spreads the beam, and what it left, least first; nothing where
        there are too few places.
    """
    N = frames.shape[-1]
    phases = _Phases.of(mean_frame, DEFAULT_RATIO * (N / 2) ** 2)
    few, where = frames[:COARSE_FRAMES], positions[:COARSE_FRAMES]
    tried: list[tuple[float, UnseenFrames]] = []
    for radius in np.arange(-WIDEST, WIDEST + STEP / 2, STEP) * N:
        unseen = foretell(
            few, where, phases.probe(float(radius)),
            good=good, ceiling=ceiling, learn_probe=True, sweeps=COARSE_SWEEPS, library=library,
        )  # fmt: skip
        if unseen is None or not np.isfinite(unseen.misfit):
            return []
        tried.append((float(radius), unseen))
    return sorted(tried, key=lambda item: item[1].misfit)


def find_probe(
    frames: NDArray[np.float32],
    positions: Real,
    mean_frame: Real,
    *,
    start_px: float | None = None,
    modes: int = 1,
    good: Mask | None = None,
    ceiling: float | None = None,
    library: SweepLibrary | None = None,
) -> FoundProbe | None:
    """Search the probe of a scan.

    Args:
        frames: Amplitudes whose mean energy is (N/2)², nearest to the middle first, shape (K, N, N).
        positions: Patch centres [x, y] in pixels, shape (K, 2).
        mean_frame: Root of the mean intensity of all frames, zero on bad pixels, shape (N, N).
        start_px: Radius to which the defocus spreads the beam, to start from; None tries all.
        modes: How many modes to learn in the end.
        good: True where a detector pixel is good, shape (N, N).
        ceiling: Amplitude from which on a pixel is saturated, or None.
        library: Computes; None lets numpy do it.

    Returns:
        The best that was found, whether it explains the frames or not; None where there are too few places.
    """
    N = frames.shape[-1]
    phases = _Phases.of(mean_frame, DEFAULT_RATIO * (N / 2) ** 2)

    def misfit(*bend: float) -> float:
        unseen = foretell(
            frames, positions, phases.probe(*bend),
            good=good, ceiling=ceiling, learn_probe=True, sweeps=FINE_SWEEPS, library=library,
        )  # fmt: skip
        return np.nan if unseen is None else unseen.misfit

    if start_px is None:
        tried = try_defocus(frames, positions, mean_frame, good=good, ceiling=ceiling, library=library)
        if not tried:
            return None
        start_px = tried[0][0]
    bend = _refine(misfit, start_px, STEP * N)
    learned = sweep_frames(
        frames,
        positions,
        orthogonal_modes(phases.probe(*bend), modes),
        sweeps=LEARNING_SWEEPS,
        settings=SweepSettings(momentum=MOMENTUM, learn_probe=True),
        good=good,
        ceiling=ceiling,
        library=library,
    ).probe
    probe = (learned * np.sqrt(phases.energy / np.sum(np.abs(learned) ** 2))).astype(np.complex64)
    unseen = foretell(
        frames, positions, probe,
        good=good, ceiling=ceiling, learn_probe=True, sweeps=FINE_SWEEPS, library=library,
    )  # fmt: skip
    if unseen is None or not np.isfinite(probe).all():
        return None
    return FoundProbe(probe, unseen, bend[0], (bend[1], bend[2]))


def _refine(misfit: Callable[..., float], start: float, step: float) -> tuple[float, float, float]:
    """Halve the step of the defocus, then try astigmatism along and between the axes."""
    best = (start, 0.0, 0.0)
    least = misfit(*best)
    for radius in (start - step / 2, start + step / 2):
        left = misfit(radius)
        if left < least:
            best, least = (radius, 0.0, 0.0), left
    for part in (1, 2):
        for sign in (-1, 1):
            bent = tuple(value + sign * step * (place == part) for place, value in enumerate(best))
            left = misfit(*bent)
            if left < BETTER * least:
                best, least = (bent[0], bent[1], bent[2]), left
                break
    return best
