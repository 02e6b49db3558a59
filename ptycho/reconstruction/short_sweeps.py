"""A few sweeps over some frames of a scan, to see how well a guess explains them.

What is uncertain before a reconstruction, axes, the probe, the number of modes, is tried: the guess whose
short sweeps leave the smallest misfit is the right one, and noise tells how small it can be.

Shape legend: K frames, P probe modes, N patch side, H and W canvas.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptycho.physics import numpy_operations, sweeps
from ptycho.physics.arrays import Complex, Mask
from ptycho.physics.canvas import Canvas
from ptycho.physics.operations import Operations
from ptycho.physics.patches import Positions
from ptycho.physics.sweeps import StepKind

from .iteration import Iteration, Measurement, SweepFunctions, SweepLibrary, SweepSettings
from .probe_retrieval import START_AMPLITUDE


class ShortSweeps(NamedTuple):
    """What a few sweeps over some frames lead to.

    Attributes:
        object: Complex transmission, shape (H, W), complex64.
        origin_px: [x, y] of its pixel [0, 0] in the coordinates of the positions.
        probe: Modes on the scale of those given, shape (P, N, N), complex64; orthogonal where there are more.
        misfits: Squared amplitude error met in each sweep, as a share of the measured energy.
    """

    object: NDArray[np.complex64]
    origin_px: tuple[int, int]
    probe: NDArray[np.complex64]
    misfits: list[float]

    @property
    def misfit(self) -> float:
        """Misfit met in the last sweep."""
        return self.misfits[-1]


@dataclass(frozen=True)
class NumpySweeps:
    """Numpy, as `reconstruction.iteration` computes with it: where no backend is at hand."""

    operations: ClassVar[Operations] = numpy_operations
    threads: ClassVar[int] = 1

    def workers(self, pixels: int) -> AbstractContextManager[None]:  # noqa: ARG002  However many they are.
        """Let one thread compute: the frames of short sweeps are few."""
        return nullcontext()

    def array(self, values: NDArray[Any]) -> NDArray[Any]:
        """Give the values themselves."""
        return values

    def functions(self, kind: StepKind, N: int) -> SweepFunctions:  # noqa: ARG002  Nothing is compiled.
        """Give the arithmetic as it is written."""
        return SweepFunctions(
            step=partial(sweeps.step, numpy_operations, kind),
            pull=partial(sweeps.pull, numpy_operations, kind),
            move=partial(sweeps.move, numpy_operations, kind),
        )


def sweep_frames(  # noqa: PLR0913  Each wish by its name.
    frames: NDArray[np.floating[Any]],
    positions: Positions,
    probe: Complex,
    *,
    sweeps: int = 8,
    settings: SweepSettings | None = None,
    picture: Complex | None = None,
    good: Mask | None = None,
    ceiling: float | None = None,
    library: SweepLibrary | None = None,
) -> ShortSweeps:
    """Sweep a few times over some frames, from a given probe.

    Args:
        frames: Amplitudes, zero frequency at [N/2, N/2], on the scale of the probe: the energy of a frame,
            sum X², is that of the probe's light behind an empty sample, shape (K, N, N).
        positions: Patch centres [x, y] in pixels, shape (K, 2).
        probe: Modes to start from, shape (P, N, N).
        sweeps: How many.
        settings: How a sweep moves; without them the probe is learned, from the second sweep on.
        picture: Object to start from, shape of `Canvas.around(positions, N)`; None starts at an empty sample.
        good: True where a detector pixel is good, shape (N, N).
        ceiling: Amplitude from which on a pixel is saturated, or None.
        library: Computes; None lets numpy do it.

    Raises:
        ValueError: Frames, positions or picture do not fit each other.
    """
    start = np.asarray(probe, np.complex64)
    canvas = Canvas.around(np.asarray(positions, np.float64), start.shape[-1])
    begin = np.full(canvas.shape, START_AMPLITUDE, np.complex64) if picture is None else picture
    amplitudes = np.asarray(frames, np.float32)
    measurement = Measurement(lambda rows: amplitudes[rows], positions, good, ceiling)
    iteration = Iteration(library or NumpySweeps(), measurement, canvas, begin, start)
    chosen = settings or SweepSettings(learn_probe=True)
    # The object alone moves in the first sweep, so that the probe does not absorb it.
    rest = replace(chosen, learn_probe=chosen.learn_probe and picture is not None)
    misfits = [iteration.sweep(rest if number == 0 else chosen) for number in range(sweeps)]
    row, learned = iteration.read()
    return ShortSweeps(row, canvas.origin_px, learned, misfits)
