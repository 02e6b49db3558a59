"""Frames of several scans behind each other, each as its own detector gave them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ptycho.errors import ScanError
from ptycho.scan.statistics import chunks
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptycho.scan.frames import Detector, FrameStack

__all__ = ["JoinedStack"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class JoinedStack:
    """Stacks of frames behind each other; each keeps its crop, its mask and its repairs.

    Attributes:
        stacks: The frames of each scan.
        indices: Which of all frames this one consists of, or None for all.
    """

    stacks: tuple[FrameStack, ...]
    indices: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return sum(map(len, self.stacks)) if self.indices is None else len(self.indices)

    @property
    def quantity(self) -> Literal["counts", "amplitude"]:
        """What `as_given` holds."""
        return self.stacks[0].quantity

    @property
    def quantity_is_guess(self) -> bool:
        """Whether that is only what such data usually is."""
        return self.stacks[0].quantity_is_guess

    @property
    def detector(self) -> Detector:
        """What happens to the frames of the first scan."""
        return self.stacks[0].detector

    @property
    def mask(self) -> NDArray[np.bool_] | None:
        """Pixels that are good in all scans, True = good; None when all are."""
        masks = [stack.mask for stack in self.stacks if stack.mask is not None]
        return np.logical_and.reduce(masks) if masks else None

    @property
    def unclipped(self) -> NDArray[np.bool_] | None:
        """Pixels that are good in all scans and show all of their light in most frames; None when all do."""
        masks = [stack.unclipped for stack in self.stacks if stack.unclipped is not None]
        return np.logical_and.reduce(masks) if masks else None

    @property
    def ceiling(self) -> float | None:
        """The lowest amplitude at which pixels of a scan are saturated, or None."""
        return min((stack.ceiling for stack in self.stacks if stack.ceiling is not None), default=None)

    def subset(self, indices: NDArray[np.int64]) -> JoinedStack:
        """Give some of the frames, as a view."""
        return replace(self, indices=indices if self.indices is None else self.indices[indices])

    def select(self, array: Any, indices: NDArray[np.int64] | slice | None = None) -> Array:
        """Take frames from an array that runs parallel to all of them."""
        taken: Array = np.asanyarray(array)[self._chosen(indices)]
        return taken

    def as_given(self) -> Array:
        """Read the frames as they stand in their files, shape (n, H, W).

        Raises:
            ScanError: They differ in shape from file to file.
        """
        given = [stack.as_given() for stack in self.stacks]
        if len({block.shape[1:] for block in given}) > 1:
            raise ScanError(
                error_text(
                    f"the frames differ in shape: {', '.join(str(block.shape[1:]) for block in given)} px",
                    expected="frames of one shape in all scans, to lie in one array",
                    hint="diff3d of each of RawData.parts, or amplitudes()",
                )
            )
        return np.concatenate(given)[self._chosen(None)]

    def amplitudes(self, indices: NDArray[np.int64] | slice | None = None) -> NDArray[np.float32]:
        """Read measured amplitudes, float32, of shape (frames, side, side); bad pixels are zero."""
        chosen = self._chosen(indices)
        side = self.detector.side
        block = np.empty((len(chosen), side, side), np.float32)
        start = 0
        for stack in self.stacks:
            here = np.flatnonzero((chosen >= start) & (chosen < start + len(stack)))
            if len(here):
                block[here] = stack.amplitudes(chosen[here] - start)
            start += len(stack)
        return block

    @property
    def largest_px(self) -> int:
        """Pixels of the largest frame in the files."""
        return max(stack.largest_px for stack in self.stacks)

    def release(self) -> None:
        """Hand the pages of mapped files back to the system."""
        for stack in self.stacks:
            stack.release()

    def mean_square(self) -> float:
        """Average the summed squared amplitude of a frame over all scans."""
        total, rows = 0.0, np.arange(len(self))
        for span in chunks(len(self), self.largest_px):
            total += float(np.square(self.amplitudes(rows[span]), dtype=np.float64).sum())
            self.release()
        return total / max(len(self), 1)

    def _chosen(self, indices: NDArray[np.int64] | slice | None) -> NDArray[np.int64]:
        everything = np.arange(sum(map(len, self.stacks))) if self.indices is None else self.indices
        return everything if indices is None else everything[indices]
