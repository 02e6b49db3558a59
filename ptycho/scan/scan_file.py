"""A scan file, opened once: what its first bytes say it is, and its arrays by key."""

from __future__ import annotations

import os
import weakref
from collections import Counter
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.files.foreign import require_regular
from ptycho.files.hdf5 import SHOWN_KEYS, Hdf5File
from ptycho.files.matlab import MatFile
from ptycho.files.npz import NpzFile
from ptycho.files.numbered_names import shown_names
from ptycho.files.stored_frames import AS_STORED, StoredFrames, Turn
from ptycho.scan.file_kinds import BY_PATH, KINDS, PACKED, VOWELS, container_of, first_bytes_of, unpack
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["ScanFile", "open_scan", "opened_once"]

Array = np.ndarray[Any, Any]
Identity = tuple[int, ...]


class ScanFile:
    """A scan file, opened once.

    Attributes:
        path: The file as it was named.
        container: What its first bytes say it is: "npz", "hdf5", "tiff", "text", "unknown" ...
        unpacked: Whether it was compressed as a whole; its arrays are then read, never mapped.

    Raises:
        FileNotFoundError: There is no such file.
        ScanError: It is compressed as a whole and damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._stream: IO[bytes] = path.open("rb")
        except FileNotFoundError as error:
            text = error_text(
                f"scan file not found: {path}",
                expected="a scan file of any kind that `ptycho formats` lists",
                known=_alike(path),
            )
            raise FileNotFoundError(text) from error
        try:
            self.container = container_of(self._stream)
            self.unpacked = self.container in PACKED
            if self.unpacked:
                self._stream = unpack(self._stream, path, self.container)
                self.container = container_of(self._stream)
                self._require_readable_unpacked()
        except BaseException:
            self._stream.close()
            raise
        weakref.finalize(self, self._stream.close)

    def _require_readable_unpacked(self) -> None:
        """Refuse what cannot be read without a name of its own.

        Raises:
            ScanError: It is of such a kind.
        """
        if self.container in BY_PATH:
            raise ScanError(
                error_text(
                    f"{self.path} is {self.kind}, compressed as a whole",
                    expected="the file as it was before",
                    hint=f"unpack it: {self.path.with_suffix('')}",
                )
            )

    @property
    def kind(self) -> str:
        """What it is, in words: "an HDF5 file", "empty", "a file of no kind that is known"."""
        return (
            KINDS.get(self.container)
            or f"{'an' if self.container[0] in VOWELS else 'a'} {self.container} file"
        )

    @cached_property
    def first_bytes(self) -> bytes:
        """What the file begins with, unpacked where it was compressed: enough to recognise a format by."""
        return first_bytes_of(self._stream)

    @property
    def stream(self) -> IO[bytes]:
        """The open file from its first byte on, for a format of its own kind; nobody else closes it."""
        self._stream.seek(0)
        return self._stream

    @cached_property
    def npz(self) -> NpzFile:
        """The file as an NPZ archive.

        Raises:
            ScanError: It is none.
        """
        return NpzFile(self.path, self._stream)

    @cached_property
    def hdf5(self) -> Hdf5File:
        """The file as an HDF5 file.

        Raises:
            ScanError: It is none, or not a whole one.
        """
        return Hdf5File(self.path)

    @cached_property
    def matlab(self) -> MatFile:
        """The file as a MATLAB file of version 5.

        Raises:
            ScanError: It is none, or not a whole one.
        """
        return MatFile(self.path)

    @property
    def keys(self) -> tuple[str, ...]:
        """Its arrays, in the order in which they were written; none where its kind has no keys."""
        if self.container == "npz":
            return self.npz.keys
        if self.container == "mat5":
            return self.matlab.keys
        return self.hdf5.keys if self.container == "hdf5" else ()

    @property
    def shown_keys(self) -> str:
        """The first of its arrays, for a message; those that a number tells apart by their pattern."""
        shown = (series.pattern if series else key for key, series in shown_names(self.keys).items())
        return ", ".join(islice(shown, SHOWN_KEYS))

    def read(self, key: str) -> Array:
        """Read one array into memory.

        Raises:
            ScanError: The file lacks the key, or is damaged there.
        """
        if self.container == "mat5":
            return self.matlab.read(key)
        return self.hdf5.read(key) if self.container == "hdf5" else self.npz.read(key)

    def frames(self, *keys: str, turn: Turn = AS_STORED) -> Any:
        """Give arrays of many frames as one, which stays in the file where that is possible.

        Args:
            keys: The arrays.
            turn: How an HDF5 file's frames are to be turned.

        Raises:
            ScanError: The file lacks a key, or is damaged there.
        """
        if self.container == "hdf5":
            return StoredFrames(self.hdf5, keys, turn=turn)
        if self.container == "mat5":
            # MATLAB counts the frames last.
            parts = [np.moveaxis(np.atleast_3d(self.matlab.read(key)), -1, 0) for key in keys]
        else:
            parts = [self.npz.read(key) if self.unpacked else self.npz.map(key) for key in keys]
        return _one_after_another(parts, keys, self.path)

    def outline(self, key: str) -> tuple[tuple[int, ...], str]:
        """Read shape and kind (numpy's letter) of one array and nothing else of it.

        Raises:
            ScanError: The file lacks the key, or is damaged there.
        """
        if self.container == "npz":
            shape, dtype, _ = self.npz.header(key)
            return shape, dtype.kind
        array = self.matlab.read(key) if self.container == "mat5" else self.hdf5.dataset(key)
        return array.shape, array.dtype.kind

    def fields(self, key: str) -> tuple[str, ...]:
        """Name the fields of an array of records; none of any other array."""
        if self.container == "mat5":
            return ()
        dtype = self.npz.header(key)[1] if self.container == "npz" else self.hdf5.dataset(key).dtype
        return tuple(dtype.names or ())

    def described(self, key: str) -> str:
        """Give shape and kind of one array, or why they cannot be told."""
        try:
            if self.container == "mat5":
                array = self.matlab.read(key)
                return f"{array.shape} {array.dtype}"
            if self.container == "hdf5":
                dataset = self.hdf5.dataset(key)
                return f"{dataset.shape} {dataset.dtype}"
            shape, dtype, _ = self.npz.header(key)
        except ScanError as error:
            return f"({str(error).partition(chr(10))[0]})"
        return f"{shape} {dtype}"

    def shape(self, key: str) -> tuple[int, ...]:
        """Read the shape of one array and nothing else of it.

        Raises:
            ScanError: The file lacks the key, or is damaged there.
        """
        if self.container == "mat5":
            shape: tuple[int, ...] = self.matlab.read(key).shape
            return shape
        return self.hdf5.shape(key) if self.container == "hdf5" else self.npz.header(key)[0]


def _one_after_another(parts: Sequence[Array], keys: Sequence[str], path: Path) -> Array:
    first = parts[0]
    for key, part in zip(keys, parts, strict=True):
        if part.shape[1:] != first.shape[1:]:
            raise ScanError(
                error_text(
                    f"'{key}' in {path} is an array with shape {part.shape}",
                    expected=f"frames as those of '{keys[0]}' {first.shape}",
                )
            )
    return first if len(parts) == 1 else np.concatenate(parts)


_alive: weakref.WeakValueDictionary[Identity, ScanFile] = weakref.WeakValueDictionary()
_run: ContextVar[dict[Identity, ScanFile] | None] = ContextVar("files of this run", default=None)


def open_scan(path: str | Path) -> ScanFile:
    """Open a scan file, or give the one that is open: within a run, or while somebody reads from it.

    Raises:
        FileNotFoundError: There is no such file.
        ScanError: It is compressed as a whole and damaged, a folder, or no file at all.
    """
    # Shells leave "~" where it stands within quotes or behind a flag's "=".
    path = Path(os.path.expanduser(path))  # noqa: PTH111  An unknown user is no error here.
    try:
        status = path.stat()
    except FileNotFoundError:
        return ScanFile(path)
    require_regular(path)
    if path.is_dir():
        raise _is_folder(path)
    # A file that was replaced or written to since is another file; its name alone would not tell.
    identity = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
    file = _alive.get(identity)
    if file is None or file.path != path:
        file = _alive[identity] = ScanFile(path)
    in_run = _run.get()
    if in_run is not None:
        in_run[identity] = file
    return file


@contextmanager
def opened_once() -> Iterator[None]:
    """Keep every scan file open from its first use to the end of the block: a run looks at it many times."""
    token = _run.set({})
    try:
        yield
    finally:
        _run.reset(token)


def _is_folder(path: Path) -> ScanError:
    """Say which file of a folder stands for all: any of a series does."""
    inside = sorted(item for item in path.iterdir() if item.is_file() and not item.name.startswith("."))
    kinds = Counter(item.suffix for item in inside)
    one = next((item for item in inside if kinds[item.suffix] == max(kinds.values())), None)
    return ScanError(
        error_text(
            f"{path} is a folder, and a scan is a file",
            details={
                "it holds": ", ".join(f"{count} x {kind or 'no suffix'}" for kind, count in kinds.items())
            },
            expected="a scan file; of numbered TIFF files any one, which stands for all",
            hint=one,
        )
    )


def _alike(path: Path) -> str:
    """List files of the same folder whose names are like one that is not there."""
    names = sorted(item.name for item in path.parent.iterdir()) if path.parent.is_dir() else []
    return ", ".join(str(path.parent / name) for name in get_close_matches(path.name, names, n=3))
