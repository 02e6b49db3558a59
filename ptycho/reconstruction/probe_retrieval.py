"""Learn the probe from the training frames by iterative reconstruction, before a network relies on it.

A network that back-projects with a wrong probe has nothing to learn from; an analytic guess is wrong enough.
A few sweeps of mixed-state ptychography over the same frames correct it within seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ptycho.physics.arrays import Complex
from ptycho.physics.canvas import Canvas

from .iteration import Iteration, Measurement, SweepLibrary
from .sweeps_schedule import Schedule, follow

START_AMPLITUDE = 0.7
"""Uniform object to start from: what a probe of twice the mean frame energy needs."""


@dataclass(frozen=True)
class Retrieval:
    """A retrieved probe, and the object that was found with it.

    Attributes:
        probe: Orthogonal modes on the network's scale, strongest first, shape (P, N, N), complex64.
        object: Object of the training frames, complex64.
        origin_px: [x, y] of the object's pixel [0, 0].
        misfits: Squared amplitude error of each sweep, as a share of the measured energy.
    """

    probe: NDArray[np.complex64]
    object: NDArray[np.complex64]
    origin_px: tuple[int, int]
    misfits: list[float] = field(default_factory=list)


def retrieve_probe(
    library: SweepLibrary,
    measurement: Measurement,
    probe: Complex,
    *,
    sweeps: int,
    seed: int = 0,
) -> Retrieval:
    """Reconstruct object and probe together, starting from an empty sample.

    The energy of the probe stays what it was, because object amplitudes are bounded on its scale.

    Args:
        library: Computes.
        measurement: The frames of a training.
        probe: Modes to start from on the network's scale, shape (P, N, N).
        sweeps: Times that all frames are visited.
        seed: Seed of the order of the frames.

    Returns:
        The probe, the object and the misfit of each sweep.
    """
    start = np.asarray(probe, np.complex64)
    canvas = Canvas.around(measurement.positions, start.shape[-1])
    empty = np.full(canvas.shape, START_AMPLITUDE, np.complex64)
    iteration = Iteration(library, measurement, canvas, empty, start, seed)
    schedule = Schedule.of(canvas, len(measurement), start.shape[-1], sweeps=sweeps)
    misfits = follow(schedule, iteration)
    picture, learned = iteration.read()
    # The product of probe and object alone is measured: any factor may go from one to the other.
    gain = np.sqrt(_energy(start) / _energy(learned))
    return Retrieval(
        probe=(learned * gain).astype(np.complex64),
        object=(picture / gain).astype(np.complex64),
        origin_px=canvas.origin_px,
        misfits=misfits,
    )


def _energy(probe: Complex) -> float:
    return float(np.sum(np.abs(probe) ** 2, dtype=np.float64))
