"""One pass over the frames, chunk by chunk: everything that the checks need to know."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho.files.memory_map import release_pages

__all__ = ["Flaw", "Statistics", "chunks", "measure_frames"]

CHUNK_PX = 2**21
"""Pixels looked at together: 16 MiB in double precision, which stays near the processor's cache."""

ROOT_TOLERANCE = 1e-5
"""How far the square of a float32 may be from a whole number, relative to it, and still be a stored root."""

ROOT_LIMIT = 1e3
"""Squares below this tell roots from other numbers: the tolerance is then far below the distance of 1."""

ROOT_WITNESSES = 8
"""Pixels below the limit that must agree; by chance, one other number in fifty would."""

Array = np.ndarray[Any, Any]

TESTS: dict[str, Callable[[Array], NDArray[np.bool_]]] = {
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
        roots: Whether the values are square roots of whole numbers, and not all whole themselves.
        mean: Mean value of every pixel, shape (H, W).
        flaw: The first kind of impossible value that was met, or None.
    """

    n_frames: int
    maximum: float
    whole: bool
    roots: bool
    mean: NDArray[np.float64]
    flaw: Flaw | None


@dataclass
class _NumberKind:
    """What speaks for counts or for their roots, gathered chunk by chunk until it is refuted."""

    whole: bool = True
    roots: bool = True
    witnesses: int = 0

    def look(self, block: Array) -> None:
        if block.dtype.kind != "f":
            return
        self.whole = self.whole and bool(np.all(block == np.rint(block)))
        if self.roots:
            squares = np.square(block, dtype=np.float64)
            squares = squares[(squares > 0.5) & (squares < ROOT_LIMIT)]
            self.witnesses += squares.size
            self.roots = bool(np.all(np.abs(squares - np.rint(squares)) <= ROOT_TOLERANCE * squares))


def chunks(n_frames: int, frame_px: int) -> Iterator[slice]:
    """Cut a range of frames into slices of a bounded number of pixels."""
    step = max(1, CHUNK_PX // max(1, frame_px))
    for start in range(0, n_frames, step):
        yield slice(start, min(start + step, n_frames))


def measure_frames(frames: Any, bad: NDArray[np.bool_] | None = None) -> Statistics:
    """Measure all frames in one pass, without a copy of the whole.

    Args:
        frames: Shape (n, H, W), integers or floats.
        bad: Pixels to leave out, shape (H, W), True = bad.
    """
    n, rows, columns = frames.shape
    total = np.zeros((rows, columns))
    maximum, evidence = 0.0, _NumberKind()
    flaw: Flaw | None = None
    for where in chunks(n, rows * columns):
        block = frames[where] if bad is None else np.where(bad, frames.dtype.type(0), frames[where])
        flaw = _flaw(block, where.start, flaw)
        if flaw is None:
            total += block.sum(axis=0, dtype=np.float64)
            maximum = max(maximum, float(block.max(initial=0)))
            evidence.look(block)
        release_pages(frames)
    roots = evidence.roots and not evidence.whole and evidence.witnesses >= ROOT_WITNESSES
    return Statistics(n, maximum, evidence.whole, roots, total / max(n, 1), flaw)


def _flaw(block: Array, start: int, known: Flaw | None) -> Flaw | None:
    if known is None:
        if _is_clean(block):
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


def _is_clean(block: Array) -> bool:
    if block.dtype.kind in "ub":
        return True
    if block.min(initial=0) < 0:
        return False
    # A finite sum has only finite terms; one that overflows is sorted out frame by frame.
    with np.errstate(invalid="ignore", over="ignore"):
        return block.dtype.kind == "i" or bool(np.isfinite(block.sum(dtype=np.float64)))


def _first_flaw(block: Array, start: int) -> Flaw | None:
    for index, frame in enumerate(block):
        for kind, test in TESTS.items():
            if test(frame).any():
                return Flaw(kind, start + index, 0, 0)
    return None
