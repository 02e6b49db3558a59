"""Detector frames, read a few at a time: centred, cropped, binned and masked on the way out."""

import mmap
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ptycho.files.memory_map import release_pages
from ptycho.scan.statistics import chunks

__all__ = ["Detector", "FrameStack"]

Array = np.ndarray[Any, Any]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Detector:
    """What happens to every frame between the file and the computation.

    Attributes:
        side_px: Side of a frame as it stands in the file.
        corner: Whether zero frequency lies at [0, 0] in the file.
        crop_px: Side of the central square that is kept.
        bin: Pixels summed along each axis.
    """

    side_px: int
    corner: bool
    crop_px: int
    bin: int

    @property
    def side(self) -> int:
        """Side of a frame after crop and binning."""
        return self.crop_px // self.bin

    def cut(self, block: Array) -> Array:
        """Bring zero frequency to the middle and keep the central square of the last two axes."""
        if self.corner:
            block = np.fft.fftshift(block, axes=(-2, -1))
        if self.crop_px == self.side_px:
            return block
        start = self.side_px // 2 - self.crop_px // 2
        middle = slice(start, start + self.crop_px)
        return block[..., middle, middle]

    def pool(self, intensity: Array) -> Array:
        """Sum bins of the last two axes; a view when there is nothing to sum."""
        if self.bin == 1:
            return intensity
        shape = (*intensity.shape[:-2], self.side, self.bin, self.side, self.bin)
        summed: Array = intensity.reshape(shape).sum(axis=(-3, -1))
        return summed


@dataclass(frozen=True)
class MappedPlace:
    """Where in a file a memory map lies."""

    filename: str
    dtype: np.dtype[Any]
    offset: int
    shape: tuple[int, ...]
    order: Literal["C", "F"]

    def open(self) -> Array:
        """Map it again, read-only."""
        mapped: Array = np.memmap(self.filename, self.dtype, "r", self.offset, self.shape, self.order)
        return mapped


@dataclass(frozen=True)
class FrameStack:
    """A stack of frames that stays where it is, and gives out amplitudes.

    Attributes:
        raw: The frames as they stand in the file, shape (n, H, W); may be a memory map or a transposed view.
        quantity: What ``raw`` holds.
        detector: What happens to every frame.
        bad: Pixels of ``raw`` that measure nothing, shape (H, W), or None.
        indices: Which frames of ``raw`` this stack consists of, or None for all.
    """

    raw: Array
    quantity: Literal["counts", "amplitude"]
    detector: Detector
    bad: NDArray[np.bool_] | None = None
    indices: Indices | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Send a memory map to another process as its place in the file, not as its content."""
        state = dict(self.__dict__)
        raw = state["raw"]
        base: object = raw.base
        # A view of a map, such as a transposed one, has another array as its base and travels by value.
        if isinstance(raw, np.memmap) and isinstance(base, mmap.mmap):
            order: Literal["C", "F"] = "C" if raw.flags.c_contiguous else "F"
            state["raw"] = MappedPlace(str(raw.filename), raw.dtype, raw.offset, raw.shape, order)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        raw = state["raw"]
        self.__dict__.update(state, raw=raw.open() if isinstance(raw, MappedPlace) else raw)

    def __len__(self) -> int:
        return len(self.raw) if self.indices is None else len(self.indices)

    @property
    def mask(self) -> NDArray[np.bool_] | None:
        """Good pixels after crop and binning, True = good; a bin is good when all its pixels are."""
        if self.bad is None:
            return None
        good: NDArray[np.bool_] = self.detector.pool(self.detector.cut(self.bad)) == 0
        return good

    def subset(self, indices: Indices) -> "FrameStack":
        """Give some of the frames, as a view."""
        return replace(self, indices=indices if self.indices is None else self.indices[indices])

    def select(self, array: Array, indices: Indices | slice | None = None) -> Array:
        """Take frames of this stack from an array that runs parallel to ``raw``: a view where possible."""
        if indices is None and self.indices is None:
            return array
        chosen: Indices | slice = slice(None) if indices is None else indices
        taken: Array = array[chosen if self.indices is None else self.indices[chosen]]
        return taken

    def amplitudes(self, indices: Indices | slice | None = None) -> NDArray[np.float32]:
        """Read measured amplitudes, float32, of shape (frames, side, side); bad pixels are zero."""
        block = self.detector.cut(self.select(self.raw, indices)).astype(np.float32)
        if self.bad is not None:
            # Multiplying would carry NaN and infinity over.
            block[..., self.detector.cut(self.bad)] = 0.0
        if self.detector.bin == 1:
            return np.sqrt(block, out=block) if self.quantity == "counts" else block
        pooled = self.detector.pool(block if self.quantity == "counts" else np.square(block, out=block))
        if self.mask is not None:
            pooled[..., ~self.mask] = 0.0
        return np.sqrt(pooled, out=pooled)

    def mean_square(self) -> float:
        """Average the summed squared amplitude of a frame: photons per frame when these are counts."""
        total = 0.0
        for where in chunks(len(self), self.detector.side_px**2):
            block = self.amplitudes(where)
            total += float(np.einsum("nij,nij->n", block, block, dtype=np.float64).sum())
            release_pages(self.raw)
        return total / max(len(self), 1)
