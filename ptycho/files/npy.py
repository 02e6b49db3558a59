"""Arrays in numpy's NPY format, of unknown origin: a header is judged before memory is taken for its array.

Nothing here ever unpickles: arrays of Python objects are refused.
"""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy

from ptycho.errors import ScanError
from ptycho.files.foreign import require_regular
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Header", "damaged", "fill", "map_npy", "parse_header", "read_npy", "read_part", "refuse_objects"]

Header = tuple[tuple[int, ...], np.dtype[Any], bool]
"""Shape, dtype, and whether the array is stored in Fortran order."""

PART_BYTES = 2**24


def parse_header(stream: IO[bytes], where: str) -> Header:
    """Read the header that a stream begins with.

    Args:
        stream: Stands at the header, afterwards behind it.
        where: What is read, for the message.

    Raises:
        ScanError: It is no header of an array.
    """
    try:
        version = npy.read_magic(stream)
        parse = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = parse(stream)
    except (SyntaxError, tokenize.TokenError, RecursionError, MemoryError, TypeError, OverflowError) as error:
        # numpy parses the header as Python, which a nested one brings to its end.
        raise damaged(where, "its NPY header cannot be understood") from error
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, OSError) as error:
        raise damaged(where, str(error)) from error
    if min(shape, default=0) < 0 or (dtype.itemsize == 0 and math.prod(shape) > PART_BYTES):
        raise damaged(where, f"its NPY header claims {shape} of {dtype}")
    return shape, dtype, fortran


def read_npy(path: Path) -> np.ndarray[Any, Any]:
    """Read the array of a file into memory.

    Raises:
        FileNotFoundError: There is no such file.
        ScanError: It holds no array of numbers, or not a whole one.
    """
    require_regular(path)
    with path.open("rb") as stream:
        shape, dtype, fortran = _whole_header(stream, path)
        array = np.empty(shape, dtype, order="F" if fortran else "C")
        if array.nbytes:
            fill(array.reshape(-1, order="A").view(np.uint8), stream, str(path))
    return array


def map_npy(path: Path) -> np.ndarray[Any, Any]:
    """Map the array of a file in place, read-only.

    Raises:
        FileNotFoundError: There is no such file.
        ScanError: It holds no array of numbers, or not a whole one.
    """
    require_regular(path)
    with path.open("rb") as stream:
        shape, dtype, fortran = _whole_header(stream, path)
        if 0 in shape or shape == () or dtype.itemsize == 0:
            return read_npy(path)
        # numpy's stubs tie the dtype argument to one scalar type; here it is known only at run time.
        mapped: np.ndarray[Any, Any] = np.memmap(
            path, dtype, mode="r", offset=stream.tell(), shape=shape, order="F" if fortran else "C"
        )
    return mapped


def _whole_header(stream: IO[bytes], path: Path) -> Header:
    """Read a header, and make sure that its array is there before anybody makes room for it."""
    shape, dtype, _ = header = parse_header(stream, str(path))
    refuse_objects(dtype, str(path), f"np.save(path, array.astype(float)) in place of {path.name}")
    missing = stream.tell() + math.prod(shape) * dtype.itemsize - path.stat().st_size
    if missing > 0:
        raise damaged(str(path), f"{missing} bytes are missing")
    return header


def read_part(stream: IO[bytes], size: int, where: str) -> bytes:
    """Read up to so many bytes, which may have to be unpacked.

    Raises:
        ScanError: They cannot be read.
    """
    try:
        return stream.read(size)
    except (EOFError, zipfile.BadZipFile, zlib.error, ValueError, OSError) as error:
        raise damaged(where, str(error)) from error


def fill(buffer: np.ndarray[Any, np.dtype[np.uint8]], stream: IO[bytes], where: str) -> None:
    """Fill a buffer from a stream.

    Raises:
        ScanError: The stream ends before.
    """
    filled = 0
    while filled < len(buffer):
        part = read_part(stream, min(len(buffer) - filled, PART_BYTES), where)
        if not part:
            raise damaged(where, f"{len(buffer) - filled} bytes are missing")
        buffer[filled : filled + len(part)] = np.frombuffer(part, np.uint8)
        filled += len(part)


def refuse_objects(dtype: np.dtype[Any], where: str, call: str) -> None:
    """Accept an array that can be read without running code.

    Args:
        dtype: Its type.
        where: What is read, for the message.
        call: How it is written anew.

    Raises:
        ScanError: It holds Python objects.
    """
    if dtype.hasobject:
        raise ScanError(
            error_text(
                f"{where} holds Python objects; it is not opened, because opening a pickle can run code",
                expected="an array of numbers",
                hint=f"where you trust the file: {call}",
            )
        )


def damaged(where: str, reason: str) -> ScanError:
    """Make the error that an array cannot be read."""
    return ScanError(
        error_text(
            f"{where} cannot be read ({reason})",
            expected="a whole array in numpy's NPY format",
            hint="copy the file again; an interrupted copy looks like this",
        )
    )
