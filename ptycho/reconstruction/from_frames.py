"""Reconstruct a scan from its frames alone: no network, nothing to train.

Shape legend: n frames, P probe modes, N patch side, H and W canvas.
"""

from __future__ import annotations

import functools
import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ptycho.physics.arrays import Complex
from ptycho.physics.canvas import Canvas, place
from ptycho.scan.frame_store import describe_size, free_bytes
from ptyconf.errors import error_text

from . import half_resolution
from .frame_noise import noise_of
from .iteration import Iteration, Measurement, SweepLibrary
from .positions_fit import MovingPositions
from .probe_retrieval import START_AMPLITUDE
from .refinement import on_canvas
from .sweeps_schedule import SMOOTHING, Schedule, follow

if TYPE_CHECKING:
    from collections.abc import Callable

    from ptycho.physics.stitch import Stitched

logger = logging.getLogger(__name__)

CANVASES = 8
"""Complex arrays of the picture's size that sweeps hold at once: object, pull, light, changes and sums."""


@dataclass(frozen=True)
class Picture:
    """What the frames of a scan say.

    Attributes:
        object: Complex transmission, shape (H, W), complex64.
        coverage: Summed intensity of the probe, in units of its brightest pixel, shape (H, W), float32.
        origin_px: [x, y] of pixel [0, 0] in the coordinates of the positions.
        probe: Orthogonal modes, strongest first, with the energy of those given, shape (P, N, N), complex64.
        positions: Patch centres [x, y] in pixels, corrected where that was asked for, shape (n, 2).
        misfits: Squared amplitude error of each sweep, as a share of the measured energy.
        noise: What photon noise alone makes of it.
    """

    object: NDArray[np.complex64]
    coverage: NDArray[np.float32]
    origin_px: tuple[int, int]
    probe: NDArray[np.complex64]
    positions: NDArray[np.float64]
    misfits: list[float]
    noise: float


def reconstruct_frames(  # noqa: PLR0913  Each wish by its name.
    library: SweepLibrary,
    measurement: Measurement,
    probe: Complex,
    *,
    counts_of_unit: float,
    sweeps: int | None = None,
    correct_positions: bool = False,
    smoothing: float = SMOOTHING,
    start: Stitched | None = None,
    seed: int = 0,
    on_sweep: Callable[[int, float], None] | None = None,
) -> Picture:
    """Find object and probe that explain all frames.

    Args:
        library: Computes.
        measurement: All frames of the scan.
        probe: Modes to start from on the scale of the frames, shape (P, N, N).
        counts_of_unit: Photons of a pixel whose normalised amplitude is 1.
        sweeps: How many; None lets noise and misfit decide.
        correct_positions: Move each frame to where it fits best.
        smoothing: How strongly pixels are drawn together that noise does not tell apart; 0 leaves all noise.
        start: Picture to start from, on the probe's scale; None starts from an empty sample.
        seed: Seed of the order of the frames.
        on_sweep: Called after each sweep with its number and misfit.

    Raises:
        ValueError: The iteration left the numbers that a computer knows.
    """
    modes = np.asarray(probe, np.complex64)
    N = modes.shape[-1]
    moving = MovingPositions.of(measurement.positions, N, counts_of_unit, moves=correct_positions)
    canvas = moving.canvas(N)
    _require_memory(canvas)
    noise = noise_of(measurement, counts_of_unit)
    schedule = Schedule.of(
        canvas,
        len(measurement),
        N,
        noise=noise,
        sweeps=sweeps,
        correct_positions=correct_positions,
        counts_of_unit=counts_of_unit,
        half=start is None and half_resolution.suits(measurement, N),
        begun=start is not None,
        smoothing=smoothing,
    )
    met: list[float] = []
    tell = functools.partial(_tell, met, on_sweep)
    first = np.full(canvas.shape, START_AMPLITUDE, np.complex64)
    begun = modes
    if start is not None:
        first, _ = on_canvas(start, canvas)
    elif schedule.half_sweeps:
        first, begun = _at_half(schedule, library, measurement, modes, canvas, tell)
    iteration = Iteration(library, measurement, canvas, first, begun, seed)
    follow(schedule, iteration, moving, tell)
    return _picture_of(iteration, moving.positions, canvas, modes, met, noise)


def _require_memory(canvas: Canvas) -> None:
    """Refuse a canvas for which the memory does not suffice.

    Raises:
        ValueError: It does not.
    """
    height, width = canvas.shape
    needed = CANVASES * np.dtype(np.complex64).itemsize * height * width
    if needed > free_bytes():
        raise ValueError(
            error_text(
                f"the positions ask for a picture of {height} x {width} pixels: {describe_size(needed)}",
                expected=f"at most {describe_size(free_bytes())}, which are free",
                hint="data.position_unit, if positions are no pixels; data.bin = 2; fewer frames",
            )
        )


def _tell(misfits: list[float], on_sweep: Callable[[int, float], None] | None, misfit: float) -> None:
    """Take down the misfit of a sweep, and say it.

    Raises:
        ValueError: It is no number.
    """
    misfits.append(misfit)
    if on_sweep is not None:
        on_sweep(len(misfits), misfit)
    if not math.isfinite(misfit):
        raise ValueError(
            error_text(
                f"the misfit of sweep {len(misfits)} is {misfit}",
                expected="frames and a probe of finite numbers",
                hint="data.mask, where bad pixels hold NaN",
            )
        )


def _at_half(
    schedule: Schedule,
    library: SweepLibrary,
    measurement: Measurement,
    probe: NDArray[np.complex64],
    canvas: Canvas,
    tell: Callable[[float], None],
) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
    """Begin at half resolution, and give object and probe to go on with."""
    N = probe.shape[-1]
    halved = half_resolution.halved(measurement, N)
    coarse = Canvas.around(halved.positions, N // 2)
    empty = np.full(coarse.shape, START_AMPLITUDE, np.complex64)
    iteration = Iteration(library, halved, coarse, empty, half_resolution.halved_probe(probe))
    for settings in schedule.half_settings(math.prod(coarse.shape) // (N // 2) ** 2):
        tell(iteration.sweep(settings))
    picture, learned = iteration.read()
    return (
        half_resolution.doubled_object(picture, coarse, canvas),
        half_resolution.doubled_probe(learned, probe),
    )


def _picture_of(
    iteration: Iteration,
    positions: NDArray[np.float64],
    canvas: Canvas,
    start: Complex,
    misfits: list[float],
    noise: float,
) -> Picture:
    row, learned = iteration.read()
    # The product alone is measured: the probe keeps its energy, the object takes what is left of the scale.
    gain = np.sqrt(energy_of(start) / energy_of(learned))
    light = (learned.real**2 + learned.imag**2).sum(axis=0)
    coverage = place(light / light.max(), positions, canvas)
    return Picture(
        object=np.where(coverage > 0, row / gain, 0).astype(np.complex64),
        coverage=coverage.astype(np.float32),
        origin_px=canvas.origin_px,
        probe=(learned * gain).astype(np.complex64),
        positions=positions,
        misfits=misfits,
        noise=noise,
    )


def energy_of(probe: Complex) -> float:
    """Sum |P|² over modes and pixels."""
    return float(np.sum(np.abs(probe) ** 2, dtype=np.float64))
