"""Detector frames, read a few at a time: centred, cropped, binned and masked on the way out."""

import mmap
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ptycho.files.memory_map import release_pages
from ptycho.scan.repair import Repair
from ptycho.scan.statistics import chunks

__all__ = ["Detector", "FrameStack", "Orientation"]

Array = np.ndarray[Any, Any]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Orientation:
    """How the frames of a file are turned before anything else: first the exchange, then the flips."""

    transpose: bool = False
    flip_rows: bool = False
    flip_columns: bool = False

    def turn(self, block: Array) -> Array:
        """Turn the last two axes; a view."""
        if self.transpose:
            block = np.swapaxes(block, -2, -1)
        if self.flip_rows:
            block = block[..., ::-1, :]
        return block[..., ::-1] if self.flip_columns else block


@dataclass(frozen=True)
class Detector:
    """What happens to every frame between the file and the computation.

    Attributes:
        side_px: Rows of a frame after it is turned.
        corner: Whether zero frequency lies at [0, 0] in the file.
        crop_px: Side of the square around the beam that is taken; where it reaches over the edge, the frame
            is filled up with masked pixels.
        bin: Pixels summed along each axis.
        columns: Columns of a frame after it is turned; 0 for as many as rows.
        beam_px: (row, column) of zero frequency in a turned frame; None for the middle.
        orientation: How the frames are turned.
        joined: How many pixels along a column and along a row of a turned frame make a square one: `crop_px`
            and `bin` count these.
    """

    side_px: int
    corner: bool
    crop_px: int
    bin: int
    columns: int = 0
    beam_px: tuple[int, int] | None = None
    orientation: Orientation = Orientation()
    joined: tuple[int, int] = (1, 1)

    @property
    def side(self) -> int:
        """Side of a frame after crop and binning."""
        return self.crop_px // self.bin

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a turned frame."""
        return self.side_px, self.columns or self.side_px

    @property
    def square_px(self) -> int:
        """Side of the largest square that a frame holds, in square pixels."""
        return min(length // joined for length, joined in zip(self.shape, self.joined, strict=True))

    @property
    def crop_shape(self) -> tuple[int, int]:
        """Rows and columns of the part that is taken, before pixels are joined."""
        return self.crop_px * self.joined[0], self.crop_px * self.joined[1]

    @property
    def sums_pixels(self) -> bool:
        """Whether any pixels are summed."""
        return self.bin != 1 or self.joined != (1, 1)

    @property
    def _start(self) -> tuple[int, int]:
        """Row and column of the crop's first pixel; negative where it lies beyond the edge."""
        rows, columns = self.shape
        row, column = (rows // 2, columns // 2) if self.beam_px is None else self.beam_px
        return row - self.crop_shape[0] // 2, column - self.crop_shape[1] // 2

    @property
    def overhang(self) -> bool:
        """Whether the crop reaches over the edge of the frame."""
        return any(
            start < 0 or start + taken > length
            for start, taken, length in zip(self._start, self.crop_shape, self.shape, strict=True)
        )

    def cut(self, block: Array, fill: float = 0) -> Array:
        """Turn the last two axes, bring zero frequency to the middle and take the square around it.

        Args:
            block: Frames as they stand in the file.
            fill: What stands where the square reaches over the edge.
        """
        block = self.orientation.turn(block)
        if self.corner:
            block = np.fft.fftshift(block, axes=(-2, -1))
        if self.crop_shape == self.shape and self._start == (0, 0):
            return block
        inside, place = [], []
        for start, taken, length in zip(self._start, self.crop_shape, self.shape, strict=True):
            first, last = max(start, 0), max(min(start + taken, length), 0)
            inside.append(slice(first, last))
            place.append(slice(first - start, last - start))
        if not self.overhang:
            return block[..., inside[0], inside[1]]
        filled = np.full((*block.shape[:-2], *self.crop_shape), fill, block.dtype)
        filled[..., place[0], place[1]] = block[..., inside[0], inside[1]]
        return filled

    def pool(self, intensity: Array) -> Array:
        """Sum bins of the last two axes; a view when there is nothing to sum."""
        if not self.sums_pixels:
            return intensity
        down, across = (self.bin * joined for joined in self.joined)
        shape = (*intensity.shape[:-2], self.side, down, self.side, across)
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
        raw: The frames as they stand in the file, shape (n, H, W): an array, a memory map, a transposed view,
            or frames that stay in their file.
        quantity: What ``raw`` holds.
        detector: What happens to every frame.
        bad: Pixels of ``raw`` that measure nothing, shape (H, W), or None.
        indices: Which frames of ``raw`` this stack consists of, or None for all.
        repair: What stands in for single values that are no measurement, or None.
        saturation: Value of ``raw`` from which on a pixel is saturated, or None.
        saturated: Pixels of ``raw`` that mostly are, shape (H, W), or None.
        quantity_is_guess: Whether ``quantity`` is only what such data usually is.
    """

    raw: Any
    quantity: Literal["counts", "amplitude"]
    detector: Detector
    bad: NDArray[np.bool_] | None = None
    indices: Indices | None = None
    repair: Repair | None = None
    saturation: float | None = None
    saturated: NDArray[np.bool_] | None = None
    quantity_is_guess: bool = False

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
        bad = self._bad_cut
        if bad is None:
            return None
        good: NDArray[np.bool_] = self.detector.pool(bad) == 0
        return good

    @property
    def ceiling(self) -> float | None:
        """Amplitude from which on a pixel is saturated, or None."""
        if self.saturation is None:
            return None
        return float(np.sqrt(self.saturation)) if self.quantity == "counts" else self.saturation

    @property
    def unclipped(self) -> NDArray[np.bool_] | None:
        """Good pixels that show all of their light in most frames, True = so; None when all do."""
        if self.saturated is None:
            return self.mask
        whole: NDArray[np.bool_] = self.detector.pool(self.detector.cut(self.saturated, fill=True)) == 0
        return whole if self.mask is None else whole & self.mask

    @property
    def _bad_cut(self) -> Array | None:
        """Bad pixels after the crop; those beyond the edge of the detector are bad."""
        if self.bad is not None:
            return self.detector.cut(self.bad, fill=True)
        if not self.detector.overhang:
            return None
        turned = self.detector.shape[::-1] if self.detector.orientation.transpose else self.detector.shape
        return self.detector.cut(np.zeros(turned, bool), fill=True)

    def subset(self, indices: Indices) -> "FrameStack":
        """Give some of the frames, as a view."""
        return replace(self, indices=indices if self.indices is None else self.indices[indices])

    def select(self, array: Any, indices: Indices | slice | None = None) -> Array:
        """Take frames of this stack from an array that runs parallel to ``raw``: a view where possible."""
        if indices is None and self.indices is None:
            return np.asanyarray(array)
        chosen: Indices | slice = slice(None) if indices is None else indices
        taken: Array = array[chosen if self.indices is None else self.indices[chosen]]
        return taken

    def as_given(self) -> Array:
        """Give the frames as they stand in the file, shape (n, H, W): a view where possible."""
        return self.select(self.raw)

    def amplitudes(self, indices: Indices | slice | None = None) -> NDArray[np.float32]:
        """Read measured amplitudes, float32, of shape (frames, side, side); bad pixels are zero."""
        taken = self.select(self.raw, indices)
        if self.repair is not None:
            taken = self.repair.apply(taken, self.select(np.arange(len(self.raw)), indices))
        block = self.detector.cut(taken).astype(np.float32)
        bad = self._bad_cut
        if bad is not None:
            # Multiplying would carry NaN and infinity over.
            block[..., bad] = 0.0
        if self.quantity == "counts" and self.raw.dtype.kind == "f":
            # Noise around a subtracted dark frame falls below zero, which has no amplitude.
            np.maximum(block, 0.0, out=block)
        if not self.detector.sums_pixels:
            return np.sqrt(block, out=block) if self.quantity == "counts" else block
        pooled = self.detector.pool(block if self.quantity == "counts" else np.square(block, out=block))
        if self.mask is not None:
            pooled[..., ~self.mask] = 0.0
        return np.sqrt(pooled, out=pooled)

    @property
    def largest_px(self) -> int:
        """Pixels of a frame in the file."""
        return self.detector.shape[0] * self.detector.shape[1]

    def release(self) -> None:
        """Hand the pages of a mapped file back to the system."""
        release_pages(self.raw)

    def mean_square(self) -> float:
        """Average the summed squared amplitude of a frame: photons per frame when these are counts.

        Pixels that are mostly saturated are left out: what they show says nothing of how bright they are.
        """
        total, whole = 0.0, self.unclipped if self.saturated is not None else None
        for where in chunks(len(self), self.largest_px):
            block = self.amplitudes(where)
            if whole is not None:
                block[:, ~whole] = 0.0
            total += float(np.einsum("nij,nij->n", block, block, dtype=np.float64).sum())
            self.release()
        return total / max(len(self), 1)
