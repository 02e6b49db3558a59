"""Arrays inside NPZ files: opened once, looked at by their headers, mapped in place, written whole.

Nothing here ever unpickles: members of Python objects are refused. The one exception, a zero-dimensional
object array that holds one string, is taken apart by ``ptycho.files.pickled_text`` without running it.
"""

import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
from numpy.lib import format as npy

from ptycho.errors import ScanError
from ptycho.files.atomic import replacing
from ptycho.files.pickled_text import read_pickled_text
from ptyconf.errors import error_text

__all__ = ["NpzFile", "array_keys", "map_array", "npz_header", "read_array", "read_text", "write"]

Header = tuple[tuple[int, ...], np.dtype[Any], bool]

LOCAL_HEADER = struct.Struct("<26xHH")
"""Lengths of name and extra field in a zip member's local header (PKWARE APPNOTE 4.3.7)."""

MAX_TEXT_BYTES = 64 * 2**20


class NpzFile:
    """An NPZ file, opened once: its arrays by key.

    Arrays that were mapped stay valid after `close`.

    Args:
        path: The file, for messages too.
        stream: Its bytes where somebody has opened it already, or unpacked it elsewhere.

    Attributes:
        path: The file.
        keys: Its arrays, in the order in which they were written.

    Raises:
        FileNotFoundError: There is no such file.
        ScanError: The file is not an NPZ file.
    """

    def __init__(self, path: str | Path, stream: IO[bytes] | None = None) -> None:
        self.path = Path(path)
        self._file = _open(self.path) if stream is None else stream
        try:
            self._archive = zipfile.ZipFile(self._file)
        except zipfile.BadZipFile as error:
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
            header = _header(stream, self.path, key)
        _refuse_objects(header, self.path, key)
        return header

    def read(self, key: str) -> np.ndarray[Any, Any]:
        """Read one array into memory.

        Raises:
            ScanError: The file lacks the key, is truncated, or holds Python objects there.
        """
        with self._member(key) as stream:
            shape, dtype, fortran = self._whole_header(stream, key)
            array = np.empty(shape, dtype, order="F" if fortran else "C")
            _fill(array.reshape(-1, order="A").view(np.uint8), stream, self.path, key)
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
        self._file.seek(info.header_offset)
        name_length, extra_length = LOCAL_HEADER.unpack(self._file.read(LOCAL_HEADER.size))
        offset = info.header_offset + LOCAL_HEADER.size + name_length + extra_length + header_length
        # numpy's stubs tie the dtype argument to one scalar type; here it is known only at run time.
        mapped: np.ndarray[Any, Any] = np.memmap(
            self._file, dtype, mode="r", offset=offset, shape=shape, order="F" if fortran else "C"
        )
        return mapped

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
            shape, dtype, _ = _header(stream, path, key)
            if shape != () or dtype.kind not in "UO":
                raise ScanError(
                    error_text(
                        f"'{key}' in {path} is an array of {dtype} with shape {shape}",
                        expected="one text, stored as a zero-dimensional unicode array",
                        hint=f"np.savez(path, {key}=np.array(text), ...)",
                    )
                )
            content = _read(stream, MAX_TEXT_BYTES + 1, path, key)
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
            raise _truncated(self.path, key, str(error)) from error
        with stream:
            yield stream

    def _whole_header(self, stream: IO[bytes], key: str) -> Header:
        """Read a header, and make sure that its array is there before anybody makes room for it."""
        shape, dtype, _ = header = _header(stream, self.path, key)
        _refuse_objects(header, self.path, key)
        size = self._archive.getinfo(f"{key}.npy").file_size
        missing = stream.tell() + math.prod(shape) * dtype.itemsize - size
        if missing > 0:
            raise _truncated(self.path, key, f"{missing} bytes are missing")
        return header


def _open(path: Path) -> IO[bytes]:
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


def write(path: str | Path, arrays: Mapping[str, Any], *, compressed: bool = True) -> Path:
    """Write a whole file or nothing: under a temporary name, synchronised, then renamed.

    Args:
        path: The file to make or replace; ``.npz`` is appended when it is missing, as numpy does.
        arrays: Arrays by key; a string becomes a zero-dimensional unicode array.
        compressed: Deflate the members. Uncompressed members can be memory-mapped by ``map_array``.

    Returns:
        The path written.

    Raises:
        ScanError: An array holds Python objects, which would need a pickle.
    """
    path = Path(path)
    path = path if path.suffix == ".npz" else path.with_name(path.name + ".npz")
    members = {key: np.asanyarray(value) for key, value in arrays.items()}
    for key, array in members.items():
        _refuse_objects((array.shape, array.dtype, False), path, key)
    with replacing(path) as temporary:
        _write_members(temporary, members, compressed=compressed)
    return path


def _write_members(path: Path, members: Mapping[str, np.ndarray[Any, Any]], *, compressed: bool) -> None:
    kind = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", compression=kind, allowZip64=True) as archive:
        for key, array in members.items():
            # A fixed date makes equal arrays equal files, byte for byte.
            info = zipfile.ZipInfo(f"{key}.npy")
            info.compress_type = kind
            with archive.open(info, "w", force_zip64=True) as stream:
                npy.write_array(stream, array, allow_pickle=False)


def _text_of(content: bytes, dtype: np.dtype[Any], path: Path, key: str) -> str:
    if len(content) > MAX_TEXT_BYTES:
        raise ScanError(
            error_text(f"the text '{key}' in {path} is too long", expected=f"at most {MAX_TEXT_BYTES} bytes")
        )
    if dtype.kind == "U":
        return str(np.frombuffer(content, dtype)[0]) if dtype.itemsize else ""
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


def _header(stream: IO[bytes], path: Path, key: str) -> Header:
    try:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = read(stream)
    except (SyntaxError, tokenize.TokenError, RecursionError, MemoryError) as error:
        # numpy parses the header as Python, which a nested one brings to its end.
        raise _truncated(path, key, "its NPY header cannot be understood") from error
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, OSError) as error:
        raise _truncated(path, key, str(error)) from error
    return shape, dtype, fortran


def _read(stream: IO[bytes], size: int, path: Path, key: str) -> bytes:
    try:
        return stream.read(size)
    except (EOFError, zipfile.BadZipFile, zlib.error, OSError) as error:
        raise _truncated(path, key, str(error)) from error


def _fill(buffer: np.ndarray[Any, np.dtype[np.uint8]], stream: IO[bytes], path: Path, key: str) -> None:
    filled = 0
    while filled < len(buffer):
        part = _read(stream, min(len(buffer) - filled, 2**24), path, key)
        if not part:
            raise _truncated(path, key, f"{len(buffer) - filled} bytes are missing")
        buffer[filled : filled + len(part)] = np.frombuffer(part, np.uint8)
        filled += len(part)


def _refuse_objects(header: Header, path: Path, key: str) -> None:
    if header[1].hasobject:
        raise ScanError(
            error_text(
                f"'{key}' in {path} holds Python objects; it is not opened, "
                "because opening a pickle can run code",
                expected="an array of numbers",
                hint=f"where you trust the file: np.savez(new_path, {key}=array.astype(float), ...)",
            )
        )


def _truncated(path: Path, key: str, reason: str) -> ScanError:
    return ScanError(
        error_text(
            f"'{key}' in {path} cannot be read ({reason})",
            expected="a whole array in numpy's NPY format",
            hint="copy the file again; an interrupted copy looks like this",
        )
    )
