"""HDF5 files that appear whole or not at all, also where the disk has no room for them.

h5py is imported when a file is written.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from ptycho.files.atomic import replacing, write_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["NewHdf5File", "creating_hdf5"]

_PAGE_BYTES = 2**16


class _ForgivingFile(io.RawIOBase):
    """The file that HDF5 writes into: once the disk takes no more, what follows stays in memory.

    HDF5 must not see a failed write. It could not close its file then, would try once more when the process
    ends, and that is a segmentation fault (HDF5 1.14.6). A signal that arrives within a write is such a
    failure too.

    Args:
        disk: Opened without a buffer, so that a failure belongs to the write that met it.

    Attributes:
        failure: What the first write that failed met; None where all is on the disk.
    """

    def __init__(self, disk: IO[bytes]) -> None:
        super().__init__()
        self.failure: BaseException | None = None
        self._disk = disk
        self._pages: dict[int, bytearray] = {}
        self._place = self._end = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a place; HDF5 asks for the end by `whence` 2."""
        self._place = offset + (0, self._place, self._end)[whence]
        return self._place

    def tell(self) -> int:
        """Give the place."""
        return self._place

    def write(self, data: Any) -> int:
        """Take all of the data, on the disk or in memory."""
        view = memoryview(data).cast("B")
        if self.failure is None:
            try:
                self._write_to_disk(view)
            except BaseException as error:  # noqa: BLE001  It is raised where HDF5 is not in between.
                self.failure = error
        if self.failure is not None:
            self._remember(view)
        self._place += len(view)
        self._end = max(self._end, self._place)
        return len(view)

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with what was written; nothing but zeros was written where nothing was."""
        view = memoryview(buffer).cast("B")
        view[:] = self._read(self._place, len(view))
        self._place += len(view)
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Set the length of the file."""
        size = self._end = self._place if size is None else size
        if self.failure is None:
            try:
                self._disk.truncate(size)
            except BaseException as error:  # noqa: BLE001  As above.
                self.failure = error
        return size

    def flush(self) -> None:
        """Nothing waits: the disk is written without a buffer."""

    def _write_to_disk(self, view: memoryview) -> None:
        self._disk.seek(self._place)
        write_all(self._disk, view)

    def _remember(self, view: memoryview) -> None:
        for first in range(self._place - self._place % _PAGE_BYTES, self._place + len(view), _PAGE_BYTES):
            if first not in self._pages:
                self._pages[first] = bytearray(self._read_from_disk(first, _PAGE_BYTES))
            start, stop = max(first, self._place), min(first + _PAGE_BYTES, self._place + len(view))
            self._pages[first][start - first : stop - first] = view[start - self._place : stop - self._place]

    def _read(self, place: int, size: int) -> bytes:
        content = bytearray(self._read_from_disk(place, size))
        for first, page in self._pages.items():
            start, stop = max(first, place), min(first + _PAGE_BYTES, place + size)
            if start < stop:
                content[start - place : stop - place] = page[start - first : stop - first]
        return bytes(content)

    def _read_from_disk(self, place: int, size: int) -> bytes:
        self._disk.seek(place)
        content = b""
        while len(content) < size and (more := self._disk.read(size - len(content))):
            content += more
        return content.ljust(size, b"\0")


@dataclass(frozen=True)
class NewHdf5File:
    """An HDF5 file while it is written.

    Attributes:
        content: The open `h5py.File`.
    """

    content: Any
    _store: _ForgivingFile

    def require_room(self) -> None:
        """Stop where the disk has taken no more: long contents ask after each part.

        Raises:
            OSError: What the disk said.
        """
        if self._store.failure is not None:
            raise self._store.failure


@contextmanager
def creating_hdf5(path: Path) -> Iterator[NewHdf5File]:
    """Make an HDF5 file, which takes its name when the block succeeds and all of it is on the disk.

    Args:
        path: The file to make or replace.

    Raises:
        DiskFullError: It does not fit on the disk, or into what the user may write.
        OSError: The folder cannot be made or written.
    """
    import h5py

    with replacing(path) as temporary, temporary.open("w+b", buffering=0) as disk:
        store = _ForgivingFile(disk)
        with h5py.File(store, "w") as content:
            new = NewHdf5File(content, store)
            yield new
        new.require_room()
