"""Sharpen a stitched picture against all frames of its scan: the physics has the last word.

The network supplies what iterations lack, a good start; a few sweeps supply what the network lacks, the
agreement of every frame with every other. A probe that a training has learned stays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ptycho.physics.arrays import Complex
from ptycho.physics.canvas import Canvas
from ptycho.physics.stitch import Stitched
from ptyconf.errors import error_text

from .frame_noise import noise_of
from .iteration import Iteration, Measurement, SweepLibrary
from .positions_fit import MovingPositions
from .probe_retrieval import START_AMPLITUDE
from .sweeps_schedule import SMOOTHING, Schedule, follow

COVERED = 1e-3
"""Share of the best coverage below which a pixel of the picture is no start to rely on."""


@dataclass(frozen=True)
class Refined:
    """A refined picture.

    Attributes:
        object: Same canvas as the picture that went in, complex64.
        probe: The modes, as they were given or as they were learned with the same energy, shape (P, N, N).
        positions: Patch centres [x, y] in pixels, corrected where that was asked for, shape (n, 2).
        misfits: Squared amplitude error of each sweep, as a share of the measured energy.
    """

    object: NDArray[np.complex64]
    probe: NDArray[np.complex64]
    positions: NDArray[np.float64]
    misfits: list[float] = field(default_factory=list)


def refine(  # noqa: PLR0913  Each wish by its name.
    library: SweepLibrary,
    measurement: Measurement,
    picture: Stitched,
    probe: Complex,
    *,
    sweeps: int | None,
    learn_probe: bool = False,
    correct_positions: bool = False,
    counts_of_unit: float = math.inf,
    smoothing: float = SMOOTHING,
    seed: int = 0,
) -> Refined:
    """Move a picture towards what all frames together measured, under a probe that stays unless told else.

    Args:
        library: Computes.
        measurement: All frames of the scan.
        picture: What the network and the stitching gave.
        probe: Modes on the network's scale, learned gain included, shape (P, N, N).
        sweeps: Times that all frames are visited; None lets the misfit decide.
        learn_probe: Move the probe, too.
        correct_positions: Move each frame to where it fits best.
        counts_of_unit: Photons of a pixel whose normalised amplitude is 1; infinite where that is not known.
        smoothing: How strongly pixels are drawn together that noise does not tell apart.
        seed: Seed of the order of the frames.

    Returns:
        The picture on its own canvas, the probe, and the misfit of each sweep.

    Raises:
        ValueError: The picture reaches beyond what its patches cover.
    """
    modes = np.asarray(probe, np.complex64)
    N = modes.shape[-1]
    moving = MovingPositions.of(measurement.positions, N, counts_of_unit, moves=correct_positions)
    canvas = moving.canvas(N)
    start, window = on_canvas(picture, canvas)
    iteration = Iteration(library, measurement, canvas, start, modes, seed)
    schedule = Schedule.of(
        canvas,
        len(measurement),
        N,
        noise=noise_of(measurement, counts_of_unit) if math.isfinite(counts_of_unit) else 0.0,
        sweeps=sweeps,
        learn_probe=learn_probe,
        correct_positions=correct_positions,
        counts_of_unit=counts_of_unit,
        begun=True,
        smoothing=smoothing,
    )
    misfits = follow(schedule, iteration, moving)
    refined, learned = iteration.read()
    # The product alone is measured: the probe keeps its energy, the object takes what is left of the scale.
    gain = np.float32(np.linalg.norm(modes) / np.linalg.norm(learned))
    return Refined(refined[window] / gain, learned * gain, moving.positions, misfits)


def flat_like(picture: Stitched) -> Stitched:
    """Give a picture without anything on it where another one has something: what sweeps start from alone."""
    flat = np.full(picture.object.shape, START_AMPLITUDE, np.complex64)
    return replace(picture, object=flat)


def on_canvas(picture: Stitched, canvas: Canvas) -> tuple[NDArray[np.complex64], tuple[slice, slice]]:
    """Lay a picture on the canvas of all patches, and fill what the network never saw with its mean.

    Returns:
        The canvas, and the place of the picture on it.
    """
    known = picture.coverage > COVERED * picture.coverage.max()
    mean = picture.object[known].mean() if known.any() else 1.0
    # The mean, not zero: zero is an opaque rim, whose edge no frame has measured.
    filled = np.where(known, picture.object, mean)
    left, top = (round(float(p)) - o for p, o in zip(picture.origin_px, canvas.origin_px, strict=True))
    height, width = picture.object.shape
    if left < 0 or top < 0 or top + height > canvas.shape[0] or left + width > canvas.shape[1]:
        raise ValueError(
            error_text(
                f"the picture of {height} x {width} pixels reaches beyond what its patches cover",
                expected=f"at most {canvas.shape[0]} x {canvas.shape[1]} pixels from [x, y] = "
                f"{list(canvas.origin_px)}",
                hint="the origin that stitching gave with the picture",
            )
        )
    start = np.full(canvas.shape, mean, np.complex64)
    window = (slice(top, top + height), slice(left, left + width))
    start[window] = filled
    return start, window
