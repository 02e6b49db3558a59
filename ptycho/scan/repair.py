"""Single values that are no measurement, replaced by what the other frames lead to expect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.files.memory_map import release_pages
from ptycho.scan.statistics import chunks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptycho.scan.bad_pixels import FrameFlaws

__all__ = ["Repair", "RepairedFrames", "plan_repair"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Repair:
    """What stands in for single values that are no measurement.

    The computation knows one mask for all frames. A value that is bad in a few frames only is therefore
    replaced by the mean of its pixel over the others, in the brightness of its frame: it then pulls towards
    the mean and not towards a wrong value, and its pixel still counts in the frames where it is good.

    Attributes:
        flaws: Which values they are.
        expected: Mean of every pixel over the frames where it is good, shape (H, W).
        bad: Pixels that are bad in every frame, shape (H, W), True = bad, or None.
    """

    flaws: FrameFlaws
    expected: NDArray[np.float64]
    bad: NDArray[np.bool_] | None

    def apply(self, block: Array, indices: Array) -> Array:
        """Give the frames with such values replaced.

        Args:
            block: The frames as they stand in the file, shape (k, H, W).
            indices: Which frames they are, shape (k,).
        """
        wrong = self.flaws.find(block, indices)
        if not wrong.any():
            return block
        good = ~wrong if self.bad is None else ~(wrong | self.bad)
        seen = np.where(good, block, 0).sum(axis=(1, 2), dtype=np.float64)
        usual = np.where(good, self.expected, 0.0).sum(axis=(1, 2))
        brightness = np.divide(seen, usual, out=np.ones_like(seen), where=usual > 0)
        return np.where(wrong, self.expected * brightness[:, np.newaxis, np.newaxis], block)


class RepairedFrames:
    """Frames as `Repair` gives them, a few at a time.

    Args:
        frames: The frames as they stand in the file.
        repair: What to replace, or None.
        clip: Whether what lies below zero counts as zero, as around a subtracted dark frame.
        whole: Whether all of their numbers are whole.
    """

    def __init__(self, frames: Any, repair: Repair | None, *, clip: bool, whole: bool) -> None:
        self._frames = frames
        self._repair = repair
        self._clip = clip
        self._whole = whole
        self.shape = frames.shape
        self.dtype: np.dtype[Any] = frames.dtype if repair is None else np.dtype(np.float64)

    def __getitem__(self, span: slice) -> Array:
        block = np.asarray(self._frames[span])
        release_pages(self._frames)
        if self._repair is not None:
            block = self._repair.apply(block, np.arange(*span.indices(len(self._frames))))
            # Whole numbers tell counts: what stands in for a few of them must not hide that.
            block = np.rint(block) if self._whole else block
        return np.maximum(block, 0) if self._clip else block


def plan_repair(frames: Any, flaws: FrameFlaws, bad: NDArray[np.bool_] | None) -> Repair | None:
    """Average every pixel over the frames where it is good; None where nothing is to be replaced.

    Args:
        frames: Shape (n, H, W).
        flaws: Which values are no measurement.
        bad: Pixels that are bad in every frame, or None.
    """
    if not flaws:
        return None
    n, rows, columns = frames.shape
    total, count = np.zeros((rows, columns)), np.zeros((rows, columns), np.int64)
    for span in chunks(n, rows * columns):
        block = np.asarray(frames[span])
        good = ~flaws.find(block, np.arange(span.start, span.stop))
        total += np.where(good, block, 0).sum(axis=0, dtype=np.float64)
        count += np.count_nonzero(good, axis=0)
        release_pages(frames)
    return Repair(flaws, total / np.maximum(count, 1), bad)
