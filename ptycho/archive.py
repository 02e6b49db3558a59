"""What an archive of unknown origin may contain: members of bounded size, JSON tables, one kind of array."""

from __future__ import annotations

import io
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import zipfile
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["BundleError", "parse_modes", "parse_table", "read_bounded", "refusal"]

LARGEST_RATIO = 100
"""Weights hardly shrink when packed, texts about tenfold: what unpacks to more than this is a bomb."""

FREE_BYTES = 2**20
"""Members up to this size may shrink as they like."""


class BundleError(ValueError):
    """A bundle that cannot be read; the message names the file, what is wrong and what to try."""


def refusal(path: Path, what: str, expected: str, remedy: str) -> BundleError:
    """Make the error that an archive is not what it should be."""
    return BundleError(f"{path} {what}\n  expected  {expected}\n  try       {remedy}")


def read_bounded(path: Path, archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """Unpack a member after its claim of a size was found plausible, and not a byte more than allowed.

    Raises:
        BundleError: It claims or unpacks to too much.
    """
    info = archive.getinfo(name)
    allowed = min(limit, max(FREE_BYTES, LARGEST_RATIO * info.compress_size))
    if info.file_size > allowed:
        raise refusal(
            path,
            f"claims {info.file_size} bytes for {name}, packed into {info.compress_size}",
            f"at most {allowed} bytes",
            "the file as `ptycho train` wrote it",
        )
    # The size in the archive's directory is a claim; what is read is bounded on its own.
    with archive.open(name) as member:
        content = member.read(allowed + 1)
    if len(content) > allowed:
        raise refusal(
            path,
            f"unpacks to more than it claims for {name}",
            f"at most {allowed} bytes",
            "the file as `ptycho train` wrote it",
        )
    return content


def parse_table(content: bytes) -> dict[str, Any]:
    """Read a JSON table of finite numbers.

    Raises:
        ValueError: It is no such table.
    """
    try:
        table = json.loads(content, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("its lists are nested too deeply") from error
    if not isinstance(table, dict):
        raise TypeError(f"a {type(table).__name__} where a table belongs")
    return table


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a finite number")


def parse_modes(content: bytes) -> NDArray[np.complex64]:
    """Read probe modes from NPY bytes; nothing is allocated that the bytes do not fill.

    Raises:
        ValueError: They are not complex64 of shape (P, N, N).
    """
    stream = io.BytesIO(content)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("an unknown version of the NPY format")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    modes_follow = len(shape) == 3 and shape[1] == shape[2] and dtype == np.complex64 and not fortran
    if not modes_follow or math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise ValueError(f"probe modes of {dtype} and shape {shape} in {len(content)} bytes")
    return np.frombuffer(content, np.complex64, offset=stream.tell()).reshape(shape).copy()
