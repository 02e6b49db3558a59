"""Frames that stay in their files and are read a few at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ptycho.errors import ScanError
from ptycho.files.bounds import require_plausible
from ptycho.files.hdf5 import Hdf5File
from ptycho.files.hdf5_parts import unreadable
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["AS_STORED", "FramesOnDisk", "StoredFrames", "Turn"]

Array = np.ndarray[Any, Any]

GAP_FRAMES = 8
"""Frames between two wanted ones that are read along, because skipping them costs more.

Measured: a call of h5py costs 100 microseconds, as much as reading 30 uncompressed frames of 64 x 64 pixels;
compressed frames cost several times more each.
"""


class Turn(NamedTuple):
    """How the frames of a file are turned before anybody sees them, in this order.

    Attributes:
        transposed: Whether rows and columns are exchanged, as MATLAB writes them.
        rows: Whether the rows run the other way.
        columns: Whether the columns run the other way.
    """

    transposed: bool = False
    rows: bool = False
    columns: bool = False

    def __call__(self, block: Array) -> Array:
        """Turn the last two axes of an array."""
        turned = block.swapaxes(-2, -1) if self.transposed else block
        turned = turned[..., ::-1, :] if self.rows else turned
        return turned[..., ::-1] if self.columns else turned


AS_STORED = Turn()


class FramesOnDisk:
    """Frames that are read a few at a time, as a numpy array of them would answer.

    Attributes:
        shape: Number, rows and columns.
        dtype: Kind of their numbers.
        ndim: Number of axes: 3.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    ndim = 3

    def subset(self, indices: Array) -> FramesOnDisk:
        """Give some of the frames, as a view."""
        raise NotImplementedError

    def _read(self, indices: Array) -> Array:
        """Read frames by their indices, which are not negative."""
        raise NotImplementedError

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        whole = self[:]
        return whole if dtype is None else whole.astype(dtype, copy=bool(copy))

    def __getitem__(self, which: Any) -> Array:
        """Read some frames: a slice, whole numbers, or one boolean per frame."""
        if isinstance(which, slice):
            return self._read(np.arange(*which.indices(len(self))))
        indices = np.asarray(which)
        if indices.dtype == np.bool_:
            indices = np.flatnonzero(indices)
        # Counted from the end where negative, as numpy does.
        indices = np.where(indices < 0, indices + len(self), indices)
        if indices.size and not (indices.min() >= 0 and indices.max() < len(self)):
            raise IndexError(f"frame {indices.min()} .. {indices.max()} of {len(self)} frames")
        if indices.ndim == 0:
            return np.asarray(self._read(indices.reshape(1))[0])
        return self._read(indices)


class StoredFrames(FramesOnDisk):
    """Frames that stay in HDF5 datasets and are read a few at a time, as a numpy array of them would answer.

    A raster of frames counts as a list of them, row by row; several datasets follow each other.

    Args:
        file: The file that the datasets are reached through; it stays open as long as the frames.
        keys: The datasets, each of shape (n, H, W), (n, H, W, 1), (H, W) or (rows, columns, H, W), of equal
            H, W and kind.
        chosen: Which of the frames, None for all.
        turn: How each frame is turned.
        frames_last: Whether the datasets have the shape (H, W, n).

    Raises:
        ScanError: A dataset is missing or cannot be read, or they do not fit together.
    """

    def __init__(
        self,
        file: Hdf5File,
        keys: tuple[str, ...],
        chosen: Array | None = None,
        *,
        turn: Turn = AS_STORED,
        frames_last: bool = False,
    ) -> None:
        self._turn = turn
        self._file = file
        self._keys = keys
        self._chosen = chosen
        self._frames_last = frames_last
        one_each = len(keys) > 1
        self._parts = [_as_stack(file.dataset(key), one_each=one_each, last=frames_last) for key in keys]
        first = self._parts[0]
        for key, part in zip(keys, self._parts, strict=True):
            if part.ndim not in {3, 4} or part.shape[-2:] != first.shape[-2:] or part.dtype != first.dtype:
                raise ScanError(
                    error_text(
                        f"'{key}' in {file.path} is an array of {part.dtype} with shape {part.shape}",
                        expected="frames: (n, rows, columns), or a raster (lines, points, rows, columns)"
                        + (f", as '{keys[0]}' of {first.dtype} {first.shape}" if part is not first else ""),
                    )
                )
            _require_plausible(part, f"a frame of '{key}' in {file.path}")
        lengths = [int(np.prod(part.shape[:-2])) for part in self._parts]
        self._ends = np.cumsum(lengths)
        n = int(self._ends[-1]) if chosen is None else len(chosen)
        rows, columns = first.shape[:-3:-1] if turn.transposed else first.shape[-2:]
        self.shape = (n, rows, columns)
        self.dtype = first.dtype

    def __reduce__(self) -> tuple[Any, tuple[Path, tuple[str, ...], Array | None, Turn, bool, bool]]:
        """Travel to another process as a place in a file, whose missing parts are known to be left out."""
        lossy = self._file.excused is not None
        return _open_frames, (self._file.path, self._keys, self._chosen, self._turn, self._frames_last, lossy)

    def subset(self, indices: Array) -> StoredFrames:
        """Give some of the frames, as a view."""
        chosen = indices if self._chosen is None else self._chosen[indices]
        return StoredFrames(self._file, self._keys, chosen, turn=self._turn, frames_last=self._frames_last)

    def counted_last(self) -> StoredFrames:
        """Give the frames of the same datasets, whose last axis counts them."""
        return StoredFrames(self._file, self._keys, turn=self._turn, frames_last=True)

    def _read(self, indices: Array) -> Array:
        """Read frames in the order of the file, each once, and give them in the order asked for."""
        in_file = indices if self._chosen is None else self._chosen[indices]
        wanted, places = np.unique(in_file, return_inverse=True)
        frames = np.empty((len(wanted), *self.shape[1:]), self.dtype)
        cuts = np.flatnonzero(np.diff(wanted) > GAP_FRAMES) + 1
        for run in np.split(np.arange(len(wanted)), cuts):
            if len(run):
                first, last = int(wanted[run[0]]), int(wanted[run[-1]]) + 1
                frames[run] = self._read_range(first, last)[wanted[run] - first]
        return frames if len(wanted) == len(indices) and np.all(np.diff(places) == 1) else frames[places]

    def _read_range(self, first: int, last: int) -> Array:
        blocks, start = [], 0
        for key, part, end in zip(self._keys, self._parts, self._ends.tolist(), strict=True):
            if first < end and last > start:
                try:
                    blocks.append(_read_part(part, max(first - start, 0), min(last, end) - start))
                except OSError as error:
                    raise unreadable(key, self._file.path, error) from error
            start = end
        block = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
        return self._turn(block)


class _Seen:
    """A dataset seen in another arrangement of its axes.

    Args:
        dataset: The dataset.
        arrange: Where an axis that stands for itself in a shape stands here.
        read: Gives a part by what indexes the arrangement.
    """

    def __init__(
        self, dataset: Any, arrange: Callable[[tuple[int, ...]], tuple[int, ...]], read: Callable[[Any], Any]
    ) -> None:
        self._read = read
        self.shape, self.dtype = arrange(dataset.shape), dataset.dtype
        self.ndim = len(self.shape)
        self.chunks = arrange(dataset.chunks) if dataset.chunks else None
        self.is_virtual, self.id = dataset.is_virtual, dataset.id

    def __getitem__(self, which: Any) -> Array:
        return np.asarray(self._read(which))


def _as_stack(dataset: Any, *, one_each: bool, last: bool) -> Any:
    """See a dataset as frames or a raster of them: one alone, one colour, counted last, a list of one."""
    if last and dataset.ndim == 3:
        return _Seen(
            dataset,
            lambda shape: (shape[2], *shape[:2]),
            lambda span: np.moveaxis(dataset[:, :, span], -1, 0),
        )
    if dataset.ndim == 4 and dataset.shape[-1] == 1:
        return _Seen(dataset, lambda shape: shape[:-1], lambda span: dataset[span][..., 0])
    if one_each and dataset.ndim == 2:
        return _Seen(dataset, lambda shape: (1, *shape), lambda span: dataset[()][np.newaxis][span])
    if dataset.ndim > 4 and dataset.shape[0] == 1:
        inner = _Seen(dataset, lambda shape: shape[1:], lambda which: dataset[(0, *_tuple(which))])
        return _as_stack(inner, one_each=False, last=False)
    return dataset


def _tuple(which: Any) -> tuple[Any, ...]:
    return which if isinstance(which, tuple) else (which,)


def _require_plausible(part: Any, where: str) -> None:
    """Refuse frames, or pieces in which HDF5 unpacks them, that claim more than is stored of all of them."""
    frame = int(np.prod(part.shape[-2:])) * part.dtype.itemsize
    piece = int(np.prod(part.chunks)) * part.dtype.itemsize if part.chunks else 0
    # Nobody counts what lies in the parts of a virtual dataset.
    stored = frame if part.is_virtual else part.id.get_storage_size()
    require_plausible(where, max(frame, piece), stored)


def _read_part(part: Any, first: int, last: int) -> Array:
    if part.ndim == 3:
        return np.asarray(part[first:last])
    points = part.shape[1]
    lines = range(first // points, (last - 1) // points + 1)
    spans = ((line, max(first - line * points, 0), min(last - line * points, points)) for line in lines)
    return np.concatenate([part[line, start:stop] for line, start, stop in spans])


def _open_frames(
    path: Path, keys: tuple[str, ...], chosen: Array | None, turn: Turn, frames_last: bool, lossy: bool
) -> StoredFrames:
    file = Hdf5File(path)
    file.excused = range if lossy else None
    return StoredFrames(file, keys, chosen, turn=turn, frames_last=frames_last)
