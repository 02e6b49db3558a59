"""One pass over the frames, chunk by chunk: everything that the checks need to know."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Flaw", "Statistics", "chunks", "measure_frames"]

CHUNK_PX = 2**21
"""Pixels looked at together: 16 MiB in float64, which stays near the processor's cache."""

ROOT_TOLERANCE = 1e-5
"""How far the square of a float32 may be from a whole number, relative to it, and still be a stored root."""

Array = np.ndarray[Any, Any]

TESTS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.bool_]]] = {
    "NaN": np.isnan,
    "infinite": np.isinf,
    "negative": lambda values: values < 0.0,
}
"""What no detector delivers, by the word that names it."""


@dataclass(frozen=True)
class Flaw:
    """Values that no detector delivers.

    Attributes:
        kind: "NaN", "infinite" or "negative".
        first_frame: Index of the first frame that holds one.
        n_frames: How many frames hold one.
        n_pixels: How many pixels, over all frames.
    """

    kind: str
    first_frame: int
    n_frames: int
    n_pixels: int


@dataclass(frozen=True)
class Statistics:
    """What the good pixels of all frames have in common.

    Attributes:
        n_frames: Number of frames looked at.
        maximum: Largest value.
        whole: Whether every value is a whole number.
        roots: Whether every value is the square root of a whole number, some of them irrational.
        mean: Mean value of every pixel, shape (H, W).
        mean_square: Mean squared value of every pixel, shape (H, W).
        flaw: The first kind of impossible value that was met, or None.
    """

    n_frames: int
    maximum: float
    whole: bool
    roots: bool
    mean: NDArray[np.float64]
    mean_square: NDArray[np.float64]
    flaw: Flaw | None


def chunks(n_frames: int, frame_px: int) -> Iterator[slice]:
    """Cut a range of frames into slices of a bounded number of pixels."""
    step = max(1, CHUNK_PX // max(1, frame_px))
    for start in range(0, n_frames, step):
        yield slice(start, min(start + step, n_frames))


def measure_frames(frames: Array, bad: NDArray[np.bool_] | None = None) -> Statistics:
    """Measure all frames in one pass, without a copy of the whole.

    Args:
        frames: Shape (n, H, W), integers or floats.
        bad: Pixels to leave out, shape (H, W), True = bad.
    """
    n, rows, columns = frames.shape
    total, squares = np.zeros((rows, columns)), np.zeros((rows, columns))
    maximum, whole, roots = 0.0, True, True
    flaw: Flaw | None = None
    for where in chunks(n, rows * columns):
        block = frames[where].astype(np.float64)
        if bad is not None:
            block[:, bad] = 0.0
        flaw = _flaw(block, where.start, flaw)
        if flaw is not None:
            continue
        total += block.sum(axis=0)
        whole = whole and (frames.dtype.kind in "iub" or _is_whole(block))
        maximum = max(maximum, float(block.max(initial=0.0)))
        np.square(block, out=block)
        squares += block.sum(axis=0)
        roots = roots and _is_whole(block, ROOT_TOLERANCE)
    count = max(n, 1)
    return Statistics(n, maximum, whole, roots and not whole, total / count, squares / count, flaw)


def _is_whole(values: NDArray[np.float64], tolerance: float = 0.0) -> bool:
    distance = np.abs(values - np.rint(values))
    return bool(np.all(distance <= tolerance * np.maximum(values, 1.0)))


def _flaw(block: NDArray[np.float64], start: int, known: Flaw | None) -> Flaw | None:
    if known is None:
        # A finite sum has only finite terms; one that overflows is sorted out frame by frame.
        with np.errstate(invalid="ignore", over="ignore"):
            total = block.sum()
        if np.isfinite(total) and block.min(initial=0.0) >= 0.0:
            return None
        known = _first_flaw(block, start)
        if known is None:
            return None
    per_frame = np.count_nonzero(TESTS[known.kind](block), axis=(1, 2))
    return Flaw(
        known.kind,
        known.first_frame,
        known.n_frames + int(np.count_nonzero(per_frame)),
        known.n_pixels + int(per_frame.sum()),
    )


def _first_flaw(block: NDArray[np.float64], start: int) -> Flaw | None:
    for index, frame in enumerate(block):
        for kind, test in TESTS.items():
            if test(frame).any():
                return Flaw(kind, start + index, 0, 0)
    return None
