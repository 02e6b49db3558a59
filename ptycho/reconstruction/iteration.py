"""Object and probe of a scan, moved by sweeps over its frames, whichever library computes.

Shape legend: n frames, K frames of a step, P probe modes, N patch side, H and W canvas.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ptycho.physics import numpy_operations, smoothness
from ptycho.physics.arrays import Complex, Mask
from ptycho.physics.canvas import Canvas, place
from ptycho.physics.noise import POISSON_EPS
from ptycho.physics.operations import Array, Operations
from ptycho.physics.patches import PatchLayout, Positions, unmixing
from ptycho.physics.sweeps import (
    Dampings,
    Estimate,
    FrameBatch,
    PatchPixels,
    Pulls,
    StepKind,
    add,
    frequency_turns,
)

from .workers import in_order

FrameSource = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""Gives the normalised amplitudes X of frames by their indices, shape (K, N, N)."""

PORTION_PIXELS = 2**18
"""Pixels of all modes of a portion's frames: 64 frames of 64 x 64. Larger ones leave the caches of a CPU:
18 sweeps over 258 frames of 128 x 128 in 3 modes took 9.3 s by 16 frames, and 13.4 s where the last six went
through all frames at once. In smaller ones, threads meet at Python's lock more often: two go through 676
frames of 64 x 64 .9, 1.3 and 1.5 times as fast as one in portions of 16, 32 and 64."""

CANVAS_SHARE = 2
"""A portion holds at least this part of the canvas's pixels, because a sum over the canvas follows each."""

LIT = 0.3
"""Share of the brightest pixel's light from which on a pixel is well lit."""


class SweepFunctions(NamedTuple):
    """The arithmetic of `physics.sweeps` for one kind of step, compiled where that pays.

    Attributes:
        step: Estimate, batch, pixels and dampings to the new estimate, the misfit and the shifts.
        pull: Estimate, batch, pixels and dark level to what the frames ask for, and their shifts.
        move: Estimate, what was asked and dampings to the new estimate.
    """

    step: Callable[[Estimate, FrameBatch, PatchPixels, Dampings], tuple[Estimate, Array, Array]]
    pull: Callable[[Estimate, FrameBatch, PatchPixels, Array], tuple[Pulls, Array]]
    move: Callable[[Estimate, Pulls, Dampings], Estimate]


class SweepLibrary(Protocol):
    """An array library on a device."""

    @property
    def operations(self) -> Operations:
        """Its operations."""
        ...

    @property
    def threads(self) -> int:
        """How many threads compute at once."""
        ...

    def workers(self, pixels: int) -> AbstractContextManager[Executor | None]:
        """Give a whole sweep threads that compute beside the one that asks, or None where it is alone.

        Args:
            pixels: Those of all modes of the frames that they go through.
        """
        ...

    def array(self, values: NDArray[Any]) -> Array:
        """Bring numbers to the device; their type stays."""
        ...

    def functions(self, kind: StepKind, N: int) -> SweepFunctions:
        """Give the arithmetic of a kind of step for patches of side N."""
        ...


@dataclass(frozen=True)
class Measurement:
    """Measured frames and where they were taken.

    Attributes:
        frames: Gives normalised amplitudes by index into the positions.
        positions: Patch centres [x, y] in pixels, shape (n, 2).
        good: True where a detector pixel is good, shape (N, N), or None.
        ceiling: Normalised amplitude from which on a pixel is saturated, or None.
    """

    frames: FrameSource
    positions: Positions
    good: Mask | None = None
    ceiling: float | None = None

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(frozen=True)
class SweepSettings:
    """How a sweep moves.

    Attributes:
        batch_size: Frames of a step.
        object_damping: 0 divides an object update by the local illumination, 1 by the brightest one.
        probe_damping: The same for the probe, by the object's intensity.
        momentum: Share of the last sweep's change that is added to this one's (heavy ball).
        learn_probe: Move the probe too, and leave its modes orthogonal.
        find_shifts: Say how far each frame lies from where it was laid.
        dark: Intensity X² below which a pixel counts no photons to speak of: detail in dark pixels is then
            weighed by photon statistics; 0 compares amplitudes alone.
        noise: Standard deviation of a measured amplitude X, from photons; 0 where it is not known.
        smoothing: How strongly pixels are drawn to neighbours from which noise does not tell them apart, once
            the sweep is over.
    """

    batch_size: int = 16
    object_damping: float = 0.1
    probe_damping: float = 0.1
    momentum: float = 0.0
    learn_probe: bool = False
    find_shifts: bool = False
    dark: float = 0.0
    noise: float = 0.0
    smoothing: float = 0.0


class Iteration:
    """Object canvas and probe of a scan, moved by sweeps over its frames.

    Args:
        library: Computes.
        measurement: The frames.
        canvas: Where the object lies.
        picture: Complex object to start from, shape (H, W) of the canvas.
        probe: Complex modes on the network's scale, shape (P, N, N).
        seed: Seed of the order of the frames.

    Attributes:
        shifts: What the last sweep that was asked for it found: shift [x, y] of each frame in pixels, and
            the variance of one in units of that of an exit wave, shape (n, 3).

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
        seed: int = 0,
    ) -> None:
        self._library = library
        self._measurement = measurement
        self._canvas = canvas
        modes, N = len(probe), probe.shape[-1]
        self._positions = np.asarray(measurement.positions, np.float64)
        self._layout = PatchLayout.on(canvas, self._positions, N)
        self._portion = max(
            1, PORTION_PIXELS // (modes * N**2), math.prod(canvas.shape) // (CANVAS_SHARE * N**2)
        )
        self._estimate = Estimate(
            library.array(np.array(picture, np.complex64).reshape(-1)),
            library.array(np.array(probe, np.complex64)),
        )
        self._change: Estimate | None = None
        self.shifts = np.zeros((len(measurement), 3), np.float32)
        good = np.ones((N, N), bool) if measurement.good is None else measurement.good
        turns = frequency_turns(numpy_operations, N, np.zeros(0, np.float32))
        self._pixels = PatchPixels(
            *(library.array(array) for array in (self._layout.window, turns, np.asarray(good, bool)))
        )
        self._rng = np.random.default_rng(seed)

    def sweep(self, settings: SweepSettings | None = None) -> float:
        """Visit every frame once, in random order.

        Returns:
            Misfit met on the way: summed squared amplitude error, as a share of the measured energy.
        """
        chosen = settings or SweepSettings()
        before = self._estimate
        modes, N, _ = self._estimate.probe.shape
        with self._library.workers(len(self._measurement) * int(modes) * int(N) ** 2) as workers:
            misfit = self._visit_all(chosen, workers)
            self._carry_on(before, chosen.momentum)
            if chosen.smoothing > 0 and chosen.noise > 0:
                self._smooth(chosen)
            if chosen.learn_probe:
                self._unmix_modes()
        error, energy = self._library.operations.to_numpy(misfit).tolist()
        return float(error / max(energy, POISSON_EPS))

    def read(self) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
        """Return object (H, W) and probe (P, N, N) as they are now."""
        row, probe = (self._library.operations.to_numpy(values) for values in self._estimate)
        return row.reshape(self._canvas.shape), probe

    def lay(self, positions: Positions) -> None:
        """Lay the frames at other positions on the same canvas.

        Raises:
            ValueError: A patch does not lie on the canvas.
        """
        self._positions = np.asarray(positions, np.float64)
        self._layout = PatchLayout.on(self._canvas, self._positions, self._layout.window.shape[0])

    def _visit_all(self, settings: SweepSettings, workers: Executor | None) -> Array:
        kind = StepKind(
            settings.learn_probe,
            self._layout.between_pixels,
            self._measurement.good is not None,
            settings.find_shifts,
            self._measurement.ceiling is not None,
            settings.dark > 0,
        )
        functions = self._library.functions(kind, self._layout.window.shape[0])
        dampings = Dampings(
            *(
                self._library.array(np.array(value, np.float32))
                for value in (settings.object_damping, settings.probe_damping, settings.dark)
            )
        )
        misfit = self._library.array(np.zeros(2, np.float32))
        shifts_found: list[tuple[NDArray[np.int64], Array]] = []
        for frames in frame_order(len(self._measurement), settings.batch_size, self._rng):
            if len(frames) <= self._portion:
                self._estimate, shares, shifts = functions.step(
                    self._estimate, self._batch(frames), self._pixels, dampings
                )
                shifts_found.append((frames, shifts))
            else:
                asked = self._pull_in_portions(functions, frames, dampings.dark, shifts_found, workers)
                # Pulls of all portions are added up before anything moves: the step is that of all frames at
                # once.
                self._estimate, shares = functions.move(self._estimate, asked, dampings), asked.misfit
            # Added up where it was computed: reading a number back makes a GPU wait for every step.
            misfit = misfit + shares
        if settings.find_shifts:
            order, shifts = zip(*shifts_found, strict=True)
            ops = self._library.operations
            self.shifts[np.concatenate(order)] = ops.to_numpy(ops.concat(shifts, 0))
        return misfit

    def _pull_in_portions(
        self,
        functions: SweepFunctions,
        frames: NDArray[np.int64],
        dark: Array,
        shifts_found: list[tuple[NDArray[np.int64], Array]],
        workers: Executor | None,
    ) -> Pulls:
        # An even number of equal ones, whatever the number of threads: two end together, and sums are the
        # same.
        count = min(len(frames), 2 * math.ceil(len(frames) / (2 * self._portion)))
        portions = np.array_split(frames, count)

        def pull(batch: FrameBatch) -> tuple[Pulls, Array]:
            return functions.pull(self._estimate, batch, self._pixels, dark)

        def pulls() -> Iterator[Pulls]:
            made = in_order(pull, map(self._batch, portions), workers, self._library.threads)
            for portion, (asked, shifts) in zip(portions, made, strict=True):
                shifts_found.append((portion, shifts))
                yield asked

        # One after the other, in their order: the sums are the same for any number of threads.
        return functools.reduce(add, pulls())

    def _batch(self, frames: NDArray[np.int64]) -> FrameBatch:
        measured, ceiling = (
            np.asarray(self._measurement.frames(frames), np.float32),
            self._measurement.ceiling,
        )
        if ceiling is not None:
            measured = np.where(measured >= np.float32(ceiling), -measured, measured)
        return FrameBatch(
            self._library.array(measured),
            self._library.array(self._layout.start[frames]),
            self._library.array(self._layout.rest[frames]),
        )

    def _carry_on(self, before: Estimate, momentum: float) -> None:
        """Add a share of the last sweep's change to this one's, unless it would lead back.

        Source:
            Polyak, USSR Comput. Math. Math. Phys. 4, 1 (1964): the heavy ball; O'Donoghue and Candes,
            Found. Comput. Math. 15, 715 (2015): start from rest where it overshoots.
        """
        ops, last = self._library.operations, self._change
        change = self._change_since(before)
        if momentum > 0 and last is not None:
            ahead = ops.reduce_sum(ops.real(ops.conj(last.row) * change.row))
            if float(ops.to_numpy(ahead)) > 0:
                change = Estimate(
                    *(new + ops.scale(old, momentum) for new, old in zip(change, last, strict=True))
                )
                self._estimate = Estimate(*(a + b for a, b in zip(before, change, strict=True)))
        self._change = change

    def _change_since(self, before: Estimate) -> Estimate:
        return Estimate(*(after - start for after, start in zip(self._estimate, before, strict=True)))

    def _smooth(self, settings: SweepSettings) -> None:
        """Draw pixels together that noise does not tell apart, as far as the light on them allows."""
        ops, probe = self._library.operations, self._library.operations.to_numpy(self._estimate.probe)
        light = place((np.abs(probe) ** 2).sum(axis=0), self._positions, self._canvas)
        brightest = float(light.max())
        usual = float(np.median(light[light > LIT * brightest]))
        damping = settings.object_damping
        # As the steps do, it takes dark pixels for a little brighter than they are.
        weight = ((1 - damping) * light + damping * brightest) / settings.noise**2
        picture = smoothness.without_noise(
            ops,
            ops.reshape(self._estimate.row, self._canvas.shape),
            self._library.array(weight.astype(np.float32)),
            settings.noise / math.sqrt(usual),
            settings.smoothing,
        )
        self._estimate = self._estimate._replace(row=ops.reshape(picture, (-1,)))

    def _unmix_modes(self) -> None:
        """Leave the modes orthogonal; their last change is mixed alike, for momentum goes on from it."""
        if len(self._estimate.probe) == 1:
            return
        ops, probe = self._library.operations, self._estimate.probe
        matrix = unmixing(ops.to_numpy(probe))
        self._estimate = self._estimate._replace(probe=self._mixed(probe, matrix))
        if self._change is not None:
            self._change = self._change._replace(probe=self._mixed(self._change.probe, matrix))

    def _mixed(self, modes: Array, matrix: Complex) -> Array:
        mixed = np.einsum("pq,qij->pij", matrix, self._library.operations.to_numpy(modes))
        return self._library.array(mixed.astype(np.complex64))


def frame_order(count: int, batch_size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Cut a random order of all frames into steps."""
    order = rng.permutation(count)
    for start in range(0, count, batch_size):
        yield order[start : start + batch_size]
