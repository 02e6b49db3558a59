"""One pass over the frames, pixel by pixel: what tells a broken pixel from a dim or a bright one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.files.memory_map import release_pages
from ptycho.scan.statistics import chunks

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PixelTable", "tabulate"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class PixelTable:
    """What every pixel showed over all frames.

    Attributes:
        lowest: Lowest value, shape (H, W); infinite where a pixel showed no number at all.
        highest: Highest value.
        second: Highest value but for one frame.
        highest_frame: The frame of the highest value.
        mean: Mean value without the highest, of the numbers that are finite.
        not_finite: In how many frames a pixel showed no number.
        totals: Sum of each frame, shape (n,), of the numbers that are finite.
        whole: Whether every number is whole.
    """

    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    second: NDArray[np.float64]
    highest_frame: NDArray[np.int64]
    mean: NDArray[np.float64]
    not_finite: NDArray[np.int64]
    totals: NDArray[np.float64]
    whole: bool


def tabulate(frames: Any, bad: NDArray[np.bool_] | None = None) -> PixelTable:
    """Tabulate all frames in one pass, without a copy of the whole.

    Args:
        frames: Shape (n, H, W), integers or floats.
        bad: Pixels that count for nothing in the totals, shape (H, W), True = bad.
    """
    n, rows, columns = frames.shape
    lowest, highest = np.full((rows, columns), np.inf), np.full((rows, columns), -np.inf)
    second, total = highest.copy(), np.zeros((rows, columns))
    where_highest = np.zeros((rows, columns), np.int64)
    not_finite, totals, whole = np.zeros((rows, columns), np.int64), np.zeros(n), True
    good = None if bad is None else ~bad
    # A quarter of the usual portion: several copies of it are held.
    for span in chunks(n, 4 * rows * columns):
        # In the numbers' own kind: whole numbers need no room for fractions.
        block = np.array(frames[span])
        release_pages(frames)
        if block.dtype.kind == "f":
            finite = np.isfinite(block)
            not_finite += np.count_nonzero(~finite, axis=0)
            whole = whole and bool(np.all(block[finite] == np.rint(block[finite])))
            lowest = np.minimum(lowest, np.where(finite, block, np.inf).min(axis=0))
            shown = np.where(finite, block, 0.0)
            block[~finite] = -np.inf
            floor: float = -np.inf
        else:
            lowest = np.minimum(lowest, block.min(axis=0))
            shown = block
            floor = 0 if block.dtype.kind == "b" else np.iinfo(block.dtype).min
        total += shown.sum(axis=0, dtype=np.float64)
        lit = shown.reshape(len(shown), -1) if good is None else shown[:, good]
        totals[span] = lit.sum(axis=1, dtype=np.float64)
        top_frame = block.argmax(axis=0)
        top = np.take_along_axis(block, top_frame[np.newaxis], axis=0)[0].astype(np.float64)
        np.put_along_axis(block, top_frame[np.newaxis], floor, axis=0)
        next_best = block.max(axis=0).astype(np.float64) if len(block) > 1 else np.full(top.shape, -np.inf)
        second = np.maximum(np.maximum(second, np.minimum(highest, top)), next_best)
        where_highest = np.where(top > highest, top_frame + span.start, where_highest)
        highest = np.maximum(highest, top)
    counted = np.maximum(n - not_finite - 1, 1)
    mean = (total - np.where(np.isfinite(highest), highest, 0.0)) / counted
    return PixelTable(lowest, highest, second, where_highest, mean, not_finite, totals, whole)
