"""What iterative ptychography is, without the arithmetic: where patches lie, in which order, from what start.

Both backends bring an engine that moves object and probe by the frames of a step; everything else is here.

Shape legend: n frames, K frames of a step, P probe modes, N patch side, H and W canvas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ptycho.physics.arrays import Complex, Mask, Real
from ptycho.physics.canvas import Canvas

START_AMPLITUDE = 0.7
"""Uniform object to start from: what a probe of twice the mean frame energy needs."""

PROBE_REST = 1
"""Sweeps in which the object alone moves, so that the probe does not absorb it."""

COVERED = 1e-3
"""Share of the best coverage below which a pixel of the picture is no start to rely on."""

FrameSource = Callable[[NDArray[np.int64]], Any]
"""Gives the normalised amplitudes X of frames by their indices: an array or tensor (K, N, N)."""

Positions = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Frames:
    """Measured frames and where they were taken.

    Attributes:
        source: Gives normalised amplitudes by index into the positions.
        positions: Patch centres [x, y] in pixels, shape (n, 2).
        good: True where a detector pixel is good, shape (N, N), or None.
    """

    source: FrameSource
    positions: Positions
    good: Mask | None = None

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(frozen=True)
class Steps:
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


@dataclass(frozen=True)
class Layout:
    """Where the patches of a scan lie on a canvas whose rows are laid end to end.

    Attributes:
        start: Index of the first pixel of each patch, shape (n,).
        rest: What whole pixels leave of each position [x, y], shape (n, 2), float32.
        window: Index of each pixel of a patch from its first, shape (N, N).
    """

    start: NDArray[np.int64]
    rest: NDArray[np.float32]
    window: NDArray[np.int64]

    @classmethod
    def of(cls, positions: Positions, N: int, canvas: Canvas) -> Layout:
        """Round positions to whole pixels of a canvas.

        Raises:
            ValueError: A patch does not lie on the canvas.
        """
        corner = np.asarray(positions, np.float64) - N // 2 - np.asarray(canvas.origin_px)
        whole = np.rint(corner).astype(np.int64)
        height, width = canvas.shape
        if len(whole) and not (whole.min() >= 0 and (whole.max(0) + N <= (width, height)).all()):
            raise ValueError(
                f"a patch lies beyond the picture of {height} x {width} pixels\n"
                "  expected  every position at least N/2 pixels inside\n"
                "  try       canvas_of(positions, N) for origin and shape"
            )
        axis = np.arange(N)
        return cls(
            start=whole[:, 1] * width + whole[:, 0],
            rest=(corner - whole).astype(np.float32),
            window=axis[:, None] * width + axis[None, :],
        )


def visits(count: int, batch_size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Cut a random order of all frames into steps."""
    order = rng.permutation(count)
    for start in range(0, count, batch_size):
        yield order[start : start + batch_size]


def canvas_of(positions: Positions, N: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return origin [x, y] and shape (H, W) of the smallest canvas that holds every patch."""
    canvas = Canvas.around(positions, N)
    return canvas.origin_px, canvas.shape


def orthogonalise(probe: Complex) -> Complex:
    """Mix incoherent modes into orthogonal ones, strongest first; all intensities stay as they are.

    Args:
        probe: Modes, shape (P, N, N).

    Returns:
        As many modes of the same dtype; the main one keeps its global phase, and with it the object.

    Source:
        Thibault and Menzel, Nature 494, 68 (2013): modes are defined up to a unitary mixing.
    """
    flat = probe.reshape(len(probe), -1)
    _, vectors = np.linalg.eigh(flat @ flat.conj().T)
    mixed = vectors[:, ::-1].conj().T @ flat
    mixed[0] *= np.exp(1j * np.angle(np.vdot(mixed[0], flat[0])))
    return np.asarray(mixed.reshape(probe.shape), dtype=probe.dtype)


class Engine(Protocol):
    """Object and probe of a scan under iteration, as a backend has them."""

    def sweep(self, *, learn_probe: bool = False) -> float:
        """Visit every frame once; return the misfit met, as a share of the measured energy."""
        ...

    def read(self) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
        """Return object (H, W) and probe (P, N, N) as they are now."""
        ...


EngineMaker = Callable[[NDArray[np.complex64], tuple[int, int], NDArray[np.complex64]], Engine]
"""Makes an engine from an object (H, W), the [x, y] of its pixel [0, 0], and a probe (P, N, N)."""


@dataclass(frozen=True)
class Retrieval:
    """A retrieved probe, and the by-products.

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


def retrieve(make: EngineMaker, positions: Positions, probe: Complex, sweeps: int) -> Retrieval:
    """Reconstruct object and probe together, starting from an empty sample.

    The energy of the probe stays what it was, because object amplitudes are bounded on its scale.

    Args:
        make: Makes the engine.
        positions: Patch centres [x, y] in pixels, shape (n, 2).
        probe: Modes to start from on the network's scale, shape (P, N, N).
        sweeps: Times that all frames are visited.
    """
    start = np.asarray(probe, np.complex64)
    origin, shape = canvas_of(positions, start.shape[-1])
    engine = make(np.full(shape, START_AMPLITUDE, np.complex64), origin, start)
    misfits = [engine.sweep(learn_probe=number >= PROBE_REST) for number in range(sweeps)]
    picture, found = engine.read()
    gain = np.sqrt(_energy(start) / _energy(found))
    return Retrieval(
        probe=(found * gain).astype(np.complex64),
        object=(picture / gain).astype(np.complex64),
        origin_px=origin,
        misfits=misfits,
    )


def _energy(probe: Complex) -> float:
    return float(np.sum(np.abs(probe) ** 2, dtype=np.float64))


@dataclass(frozen=True)
class Picture:
    """A stitched object to refine.

    Attributes:
        object: Complex picture, shape (H, W).
        coverage: Summed weights of each pixel, shape (H, W).
        origin_px: [x, y] of pixel [0, 0] in the coordinates of the positions, whole pixels.
    """

    object: Complex
    coverage: Real
    origin_px: tuple[float, float]


@dataclass(frozen=True)
class Refined:
    """A refined picture.

    Attributes:
        object: Same canvas as the picture that went in, complex64.
        misfits: Squared amplitude error of each sweep, as a share of the measured energy.
    """

    object: NDArray[np.complex64]
    misfits: list[float] = field(default_factory=list)


def sharpen(
    make: EngineMaker, positions: Positions, picture: Picture, probe: Complex, sweeps: int
) -> Refined:
    """Move a picture towards what all frames together measured, under a probe that stays.

    Args:
        make: Makes the engine.
        positions: Patch centres [x, y] in pixels, shape (n, 2).
        picture: What the network and the stitching gave.
        probe: Modes on the network's scale, learned gain included, shape (P, N, N).
        sweeps: Times that all frames are visited.

    Raises:
        ValueError: The picture reaches beyond what its patches cover.
    """
    modes = np.asarray(probe, np.complex64)
    origin, shape = canvas_of(positions, modes.shape[-1])
    start, window = _enlarge(picture, origin, shape)
    engine = make(start, origin, modes)
    misfits = [engine.sweep() for _ in range(sweeps)]
    return Refined(object=engine.read()[0][window], misfits=misfits)


def _enlarge(
    picture: Picture, origin: tuple[int, int], shape: tuple[int, int]
) -> tuple[NDArray[np.complex64], tuple[slice, slice]]:
    """Lay a picture on the canvas of all patches, and fill what the network never saw with its mean.

    Returns:
        The canvas, and the place of the picture on it.
    """
    known = picture.coverage > COVERED * picture.coverage.max()
    mean = picture.object[known].mean() if known.any() else 1.0
    filled = np.where(known, picture.object, mean)
    left, top = (round(float(p)) - o for p, o in zip(picture.origin_px, origin, strict=True))
    height, width = picture.object.shape
    if left < 0 or top < 0 or top + height > shape[0] or left + width > shape[1]:
        raise ValueError(
            f"the picture of {height} x {width} pixels reaches beyond what its patches cover\n"
            f"  expected  at most {shape[0]} x {shape[1]} pixels from [x, y] = {list(origin)}\n"
            "  try       the origin that stitching gave with the picture"
        )
    canvas = np.full(shape, mean, np.complex64)
    window = (slice(top, top + height), slice(left, left + width))
    canvas[window] = filled
    return canvas, window
