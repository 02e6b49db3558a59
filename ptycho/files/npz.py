"""Arrays inside NPZ files: opened once, looked at by their headers, mapped in place, written whole.

Nothing here ever unpickles: members of Python objects are refused. The one exception, a zero-dimensional
object array that holds one string, is taken apart by ``ptycho.files.pickled_text`` without running it.
"""

import math
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
from numpy.lib import format as npy

from ptycho.errors import ScanError
from ptycho.files.atomic import replacing
from ptycho.files.bounds import require_plausible
from ptycho.files.foreign import require_regular
from ptycho.files.npy import PART_BYTES, Header, damaged, fill, parse_header, read_part, refuse_objects
from ptycho.files.pickled_text import read_pickled_text
from ptyconf.errors import error_text

__all__ = [
    "ArrayInParts",
    "NpzFile",
    "array_keys",
    "map_array",
    "npz_header",
    "npz_path",
    "read_array",
    "read_text",
    "write",
]

LOCAL_HEADER = struct.Struct("<26xHH")
"""Lengths of name and extra field in a zip member's local header (PKWARE APPNOTE 4.3.7)."""

MAX_TEXT_BYTES = 16 * 2**20


class NpzFile:
    """An NPZ file, opened once: its arrays by key.

    Arrays that were mapped stay valid after `close`.

    Args:
        path: The file, for messages too.
        stream: Its bytes where somebody has opened it already, or unpacked it elsewhere.

    Attributes:
        path: The file.
        keys: Its arrays, in the order in which they were written.
        other_members: Files in it that are no arrays.

    Raises:
        FileNotFoundError: There is no such file.
        ScanError: The file is not an NPZ file.
    """

    def __init__(self, path: str | Path, stream: IO[bytes] | None = None) -> None:
        self.path = path if isinstance(path, Path) else Path(path)
        self._file = _open(self.path) if stream is None else stream
        self._size = self._file.seek(0, 2)
        self._undamaged: set[str] = set()
        try:
            self._archive = zipfile.ZipFile(self._file)
        # zipfile knows no version of the format beyond its own: that of a damaged byte is 25.5.
        except (zipfile.BadZipFile, NotImplementedError) as error:
            # Who opened a file closes it: it may be looked at again.
            if stream is None:
                self._file.close()
            raise ScanError(
                error_text(
                    f"{path} is not an NPZ file ({error})",
                    expected="a zip archive of arrays, as numpy.savez writes it",
                    hint="copy the file again; an interrupted copy looks like this",
                )
            ) from error
        names = self._archive.namelist()
        self.keys = tuple(name.removesuffix(".npy") for name in names if name.endswith(".npy"))
        self.other_members = [name for name in names if not name.endswith((".npy", "/"))]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was mapped of it stays."""
        self._archive.close()
        self._file.close()

    def header(self, key: str) -> Header:
        """Read shape, dtype and memory order of one array, at a cost that does not grow with the array.

        Returns:
            The shape, the dtype, and True when the array is stored in Fortran order.

        Raises:
            ScanError: The file lacks the key, is truncated, or holds Python objects there.
        """
        with self._member(key) as stream:
            header = parse_header(stream, _where(self.path, key))
        _refuse_objects(header[1], self.path, key)
        return header

    def read(self, key: str) -> np.ndarray[Any, Any]:
        """Read one array into memory.

        Raises:
            ScanError: The file lacks the key, is truncated, or holds Python objects there.
        """
        with self._member(key) as stream:
            shape, dtype, fortran = self._whole_header(stream, key)
            array = np.empty(shape, dtype, order="F" if fortran else "C")
            if array.nbytes:
                fill(array.reshape(-1, order="A").view(np.uint8), stream, _where(self.path, key))
        return array

    def map(self, key: str) -> np.ndarray[Any, Any]:
        """Map one array in place, read-only; a compressed one is decompressed into memory instead.

        Raises:
            ScanError: The file lacks the key, is truncated, or holds Python objects there.
        """
        with self._member(key) as stream:
            info = self._archive.getinfo(f"{key}.npy")
            shape, dtype, fortran = self._whole_header(stream, key)
            header_length = stream.tell()
        if info.compress_type != zipfile.ZIP_STORED or 0 in shape or shape == ():
            return self.read(key)
        self._require_undamaged(key)
        self._file.seek(info.header_offset)
        name_length, extra_length = LOCAL_HEADER.unpack(self._file.read(LOCAL_HEADER.size))
        offset = info.header_offset + LOCAL_HEADER.size + name_length + extra_length + header_length
        # numpy's stubs tie the dtype argument to one scalar type; here it is known only at run time.
        mapped: np.ndarray[Any, Any] = np.memmap(
            self._file, dtype, mode="r", offset=offset, shape=shape, order="F" if fortran else "C"
        )
        return mapped

    def _require_undamaged(self, key: str) -> None:
        """Compare an array with the CRC-32 beside it, once: who maps it reads past what would.

        Raises:
            ScanError: A bit is not what was written.
        """
        if key not in self._undamaged:
            with self._member(key) as stream:
                while read_part(stream, PART_BYTES, _where(self.path, key)):
                    pass
            self._undamaged.add(key)

    def text(self, key: str) -> str | None:
        """Read a text stored as a zero-dimensional array; None when the file has no such key.

        Both forms in use are understood: a unicode array, and the pickled object array of older programs,
        which is parsed, not run.

        Raises:
            ScanError: The member is not one string.
        """
        if key not in self.keys:
            return None
        path = self.path
        with self._member(key) as stream:
            shape, dtype, _ = parse_header(stream, _where(path, key))
            if shape != () or dtype.kind not in "UO":
                raise ScanError(
                    error_text(
                        f"'{key}' in {path} is an array of {dtype} with shape {shape}",
                        expected="one text, stored as a zero-dimensional unicode array",
                        hint=f"np.savez(path, {key}=np.array(text), ...)",
                    )
                )
            content = read_part(stream, MAX_TEXT_BYTES + 1, _where(path, key))
        return _text_of(content, dtype, path, key)

    @contextmanager
    def _member(self, key: str) -> Iterator[IO[bytes]]:
        try:
            stream = self._archive.open(f"{key}.npy")
        except KeyError as error:
            known = ", ".join(name.removesuffix(".npy") for name in self._archive.namelist())
            raise ScanError(
                error_text(f"there is no '{key}' in {self.path}", known=known or "nothing")
            ) from error
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError) as error:
            raise damaged(_where(self.path, key), str(error)) from error
        with stream:
            yield stream

    def _whole_header(self, stream: IO[bytes], key: str) -> Header:
        """Read a header, and make sure that its array is there before anybody makes room for it."""
        where = _where(self.path, key)
        shape, dtype, _ = header = parse_header(stream, where)
        _refuse_objects(dtype, self.path, key)
        info = self._archive.getinfo(f"{key}.npy")
        claimed = math.prod(shape) * dtype.itemsize
        missing = stream.tell() + claimed - info.file_size
        if missing > 0:
            raise damaged(where, f"{missing} bytes are missing")
        require_plausible(where, claimed, min(info.compress_size, self._size))
        return header


def _open(path: Path) -> IO[bytes]:
    require_regular(path)
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise FileNotFoundError(
            error_text(f"scan file not found: {path}", expected="an .npz file")
        ) from error


def array_keys(path: str | Path) -> tuple[str, ...]:
    """List the arrays of a file that nobody has open, in the order in which they were written."""
    with NpzFile(path) as file:
        return file.keys


def npz_header(path: str | Path, key: str) -> Header:
    """Read the header of one array of a file that nobody has open."""
    with NpzFile(path) as file:
        return file.header(key)


def read_array(path: str | Path, key: str) -> np.ndarray[Any, Any]:
    """Read one array of a file that nobody has open."""
    with NpzFile(path) as file:
        return file.read(key)


def map_array(path: str | Path, key: str) -> np.ndarray[Any, Any]:
    """Map one array of a file that nobody has open."""
    with NpzFile(path) as file:
        return file.map(key)


def read_text(path: str | Path, key: str) -> str | None:
    """Read one text of a file that nobody has open; None when it has no such key."""
    with NpzFile(path) as file:
        return file.text(key)


def npz_path(path: Path) -> Path:
    """Give the file that is written for a name: `.npz` is appended when it is missing, as numpy does."""
    return path if path.suffix == ".npz" else path.with_name(f"{path.name}.npz")


@dataclass(frozen=True)
class ArrayInParts:
    """An array that is written part by part, and never held as a whole.

    Attributes:
        shape: Its shape.
        dtype: Kind of its numbers.
        parts: Gives blocks along its first axis, one after the other.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    parts: Callable[[], Iterable[np.ndarray[Any, Any]]]

    def write_to(self, stream: IO[bytes]) -> None:
        """Write it as numpy writes an array of that shape."""
        descr = npy.dtype_to_descr(self.dtype)
        npy.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": self.shape})
        for part in self.parts():
            stream.write(np.ascontiguousarray(part, self.dtype).data.cast("B") if part.size else b"")


def write(path: str | Path, arrays: Mapping[str, Any], *, compressed: bool = True) -> Path:
    """Write a whole file or nothing: under a temporary name, synchronised, then renamed.

    Args:
        path: The file to make or replace; its suffix may be missing, see `npz_path`.
        arrays: Arrays by key, some of them in parts; a string becomes a zero-dimensional unicode array.
        compressed: Deflate the members. Uncompressed members can be memory-mapped by ``map_array``.

    Returns:
        The path written.

    Raises:
        ScanError: An array holds Python objects, which would need a pickle.
    """
    path = npz_path(Path(path))
    members = {
        key: value if isinstance(value, ArrayInParts) else np.asanyarray(value)
        for key, value in arrays.items()
    }
    for key, array in members.items():
        _refuse_objects(array.dtype, path, key)
    with replacing(path) as temporary:
        _write_members(temporary, members, compressed=compressed)
    return path


def _write_members(
    path: Path, members: Mapping[str, np.ndarray[Any, Any] | ArrayInParts], *, compressed: bool
) -> None:
    kind = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", compression=kind, allowZip64=True) as archive:
        for key, array in members.items():
            # A fixed date makes equal arrays equal files, byte for byte.
            info = zipfile.ZipInfo(f"{key}.npy")
            info.compress_type = kind
            with archive.open(info, "w", force_zip64=True) as stream:
                if isinstance(array, ArrayInParts):
                    array.write_to(stream)
                else:
                    npy.write_array(stream, array, allow_pickle=False)


def _text_of(content: bytes, dtype: np.dtype[Any], path: Path, key: str) -> str:
    if len(content) > MAX_TEXT_BYTES:
        raise ScanError(
            error_text(f"the text '{key}' in {path} is too long", expected=f"at most {MAX_TEXT_BYTES} bytes")
        )
    if dtype.kind == "U":
        if len(content) < dtype.itemsize:
            raise damaged(_where(path, key), f"{dtype.itemsize - len(content)} bytes are missing")
        return str(np.frombuffer(content[: dtype.itemsize], dtype)[0]) if dtype.itemsize else ""
    text = read_pickled_text(content)
    if text is None:
        raise ScanError(
            error_text(
                f"'{key}' in {path} is a pickle that holds more than one text; it is not opened, "
                "because opening a pickle can run code",
                expected="one text, stored as a zero-dimensional unicode array",
                hint=f"where you trust the file: np.savez(new_path, {key}=np.array(text), ...)",
            )
        )
    return text


def _where(path: Path, key: str) -> str:
    return f"'{key}' in {path}"


def _refuse_objects(dtype: np.dtype[Any], path: Path, key: str) -> None:
    refuse_objects(dtype, _where(path, key), f"np.savez(new_path, {key}=array.astype(float), ...)")
