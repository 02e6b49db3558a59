"""Object and probe of a scan, moved by sweeps over its frames, whichever library computes.

Shape legend: n frames, K frames of a step, P probe modes, N patch side, H and W canvas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ptycho.physics.arrays import Complex, Mask
from ptycho.physics.canvas import Canvas
from ptycho.physics.noise import POISSON_EPS
from ptycho.physics.operations import Array, Operations
from ptycho.physics.patches import PatchLayout, Positions, orthogonalise
from ptycho.physics.sweeps import Dampings, Estimate, FrameBatch, StepKind

FrameSource = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""Gives the normalised amplitudes X of frames by their indices, shape (K, N, N)."""

CompiledStep = Callable[[Estimate, FrameBatch, Array, Dampings], tuple[Estimate, Array]]
"""`physics.sweeps.step` of one kind."""


class SweepLibrary(Protocol):
    """An array library on a device."""

    @property
    def operations(self) -> Operations:
        """Its operations."""
        ...

    def array(self, values: NDArray[Any]) -> Array:
        """Bring numbers to the device; their type stays."""
        ...

    def step(self, kind: StepKind, N: int) -> CompiledStep:
        """Give a step for patches of side N, compiled where that pays."""
        ...


@dataclass(frozen=True)
class Measurement:
    """Measured frames and where they were taken.

    Attributes:
        frames: Gives normalised amplitudes by index into the positions.
        positions: Patch centres [x, y] in pixels, shape (n, 2).
        good: True where a detector pixel is good, shape (N, N), or None.
    """

    frames: FrameSource
    positions: Positions
    good: Mask | None = None

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(frozen=True)
class SweepSettings:
    """How an iteration moves.

    Attributes:
        batch_size: Frames of a step.
        object_damping: 0 divides an object update by the local illumination, 1 by the brightest one.
        probe_damping: The same for the probe, by the object's intensity.
        seed: Seed of the order of the frames.
    """

    batch_size: int = 16
    object_damping: float = 0.1
    probe_damping: float = 0.1
    seed: int = 0


class Iteration:
    """Object canvas and probe of a scan, moved by sweeps over its frames.

    Args:
        library: Computes.
        measurement: The frames.
        canvas: Where the object lies.
        picture: Complex object to start from, shape (H, W) of the canvas.
        probe: Complex modes on the network's scale, shape (P, N, N).
        settings: How to move.

    Raises:
        ValueError: A patch does not lie on the canvas.
    """

    def __init__(
        self,
        library: SweepLibrary,
        measurement: Measurement,
        canvas: Canvas,
        picture: Complex,
        probe: Complex,
        settings: SweepSettings | None = None,
    ) -> None:
        self._library = library
        self._measurement = measurement
        self._shape = canvas.shape
        self._settings = settings or SweepSettings()
        self._layout = PatchLayout.on(canvas, measurement.positions, probe.shape[-1])
        self._estimate = Estimate(
            library.array(np.array(picture, np.complex64).reshape(-1)),
            library.array(np.array(probe, np.complex64)),
        )
        good = np.ones(probe.shape[-2:], bool) if measurement.good is None else measurement.good
        self._good = library.array(np.asarray(good, bool))
        self._dampings = Dampings(
            *(
                library.array(np.array(value, np.float32))
                for value in (self._settings.object_damping, self._settings.probe_damping)
            )
        )
        self._rng = np.random.default_rng(self._settings.seed)

    def sweep(self, *, learn_probe: bool = False) -> float:
        """Visit every frame once, in random order.

        Args:
            learn_probe: Move the probe too, and leave its modes orthogonal.

        Returns:
            Misfit met on the way: summed squared amplitude error, as a share of the measured energy.
        """
        kind = StepKind(learn_probe, self._layout.between_pixels, self._measurement.good is not None)
        step = self._library.step(kind, self._layout.window.shape[0])
        misfit = None
        for chosen in frame_order(len(self._measurement), self._settings.batch_size, self._rng):
            self._estimate, shares = step(self._estimate, self._batch(chosen), self._good, self._dampings)
            # Added up where it was computed: reading a number back makes a GPU wait for every step.
            misfit = shares if misfit is None else misfit + shares
        if learn_probe:
            self._unmix_modes()
        error, energy = (0.0, 0.0) if misfit is None else self._library.operations.to_numpy(misfit).tolist()
        return float(error / max(energy, POISSON_EPS))

    def read(self) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
        """Return object (H, W) and probe (P, N, N) as they are now."""
        row, probe = (self._library.operations.to_numpy(values) for values in self._estimate)
        return row.reshape(self._shape), probe

    def _batch(self, chosen: NDArray[np.int64]) -> FrameBatch:
        return FrameBatch(
            self._library.array(np.asarray(self._measurement.frames(chosen), np.float32)),
            self._library.array(self._layout.index(chosen)),
            self._library.array(self._layout.rest[chosen]),
        )

    def _unmix_modes(self) -> None:
        if len(self._estimate.probe) > 1:
            probe = orthogonalise(self._library.operations.to_numpy(self._estimate.probe))
            self._estimate = self._estimate._replace(probe=self._library.array(probe))


def frame_order(count: int, batch_size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Cut a random order of all frames into steps."""
    order = rng.permutation(count)
    for start in range(0, count, batch_size):
        yield order[start : start + batch_size]
