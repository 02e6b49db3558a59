"""What a file is by its first bytes, and how one that was compressed as a whole is unpacked."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

from ptycho.errors import ScanError
from ptycho.files.bounds import require_plausible
from ptycho.files.text import encoding_of
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["BY_PATH", "KINDS", "PACKED", "VOWELS", "container_of", "first_bytes_of", "unpack"]

UNPACK_BYTES = 2**22
"""Bytes unpacked at a time."""

FIRST_BYTES = 520
"""The first bytes that are looked at; an HDF5 file that MATLAB wrote begins at byte 512."""

MAGIC = (
    ("npz", 0, b"PK\x03\x04"),
    ("npz", 0, b"PK\x05\x06"),
    ("hdf5", 0, b"\x89HDF\r\n\x1a\n"),
    ("hdf5", 512, b"\x89HDF\r\n\x1a\n"),
    ("bzip2", 0, b"BZh"),
    ("mat5", 0, b"MATLAB 5.0 MAT-file"),
    ("npy", 0, b"\x93NUMPY"),
    ("tiff", 0, b"II*\0"),
    ("tiff", 0, b"MM\0*"),
    ("tiff", 0, b"II+\0"),
    ("gzip", 0, b"\x1f\x8b"),
    ("xz", 0, b"\xfd7zXZ"),
    ("pickle", 0, b"\x80\x02"),
    ("pickle", 0, b"\x80\x03"),
    ("pickle", 0, b"\x80\x04\x95"),
    ("pickle", 0, b"\x80\x05\x95"),
    ("tar", 257, b"ustar"),
    ("netcdf", 0, b"CDF"),
    ("fits", 0, b"SIMPLE  ="),
    ("mib", 0, b"MQ1,"),
    ("cbf", 0, b"###CBF"),
    ("dm", 0, b"\0\0\0\x03"),
    ("dm", 0, b"\0\0\0\x04"),
    ("parquet", 0, b"PAR1"),
    ("sqlite", 0, b"SQLite format 3\0"),
    ("png", 0, b"\x89PNG"),
    ("jpeg", 0, b"\xff\xd8\xff"),
    ("pdf", 0, b"%PDF"),
)
"""Kind of a file, place and first bytes by which it is known (each format's own specification)."""

KINDS = {
    "empty": "empty (0 bytes)",
    "unknown": "of no kind that is known",
    "hdf5": "an HDF5 file",
    "npz": "an .npz file",
    "npy": "an .npy file",
    "mat5": "a MATLAB file",
    "tiff": "a TIFF file",
    "png": "a PNG picture",
    "jpeg": "a JPEG picture",
    "pdf": "a PDF document",
    "pickle": "a pickle of Python, which is not opened, because opening it can run code",
    "tar": "a tar archive",
    "netcdf": "a NetCDF file of version 3",
    "fits": "a FITS file",
    "mib": "a Merlin file (.mib)",
    "cbf": "a CBF picture",
    "dm": "a Digital Micrograph file",
    "parquet": "a Parquet table",
    "sqlite": "an SQLite database",
}
"""What kinds of files are called where their own name will not do."""

VOWELS = "aeiou"

PACKED: dict[str, Callable[[IO[bytes]], Any]] = {"bzip2": bz2.open, "gzip": gzip.open, "xz": lzma.open}
"""What unpacks a file that was compressed as a whole."""

BY_PATH = ("hdf5", "mat5", "npy", "tiff")
"""Kinds whose libraries open a file by its name, and so no unpacked one without any."""


def first_bytes_of(stream: IO[bytes]) -> bytes:
    """Read what a file begins with, and go back to its first byte."""
    stream.seek(0)
    first = stream.read(FIRST_BYTES)
    stream.seek(0)
    return first


def container_of(stream: IO[bytes]) -> str:
    """Tell what a file is: "npz", "hdf5", "text", "empty", "unknown" and so on."""
    first = first_bytes_of(stream)
    for container, place, magic in MAGIC:
        if first[place : place + len(magic)] == magic:
            return container
    if not first:
        return "empty"
    return "text" if encoding_of(first, whole=len(first) < FIRST_BYTES) else "unknown"


def unpack(packed: IO[bytes], path: Path, by: str) -> IO[bytes]:
    """Decompress into a file without a name, which the system removes when it is closed."""
    size = path.stat().st_size
    unpacked: IO[bytes] = TemporaryFile()  # noqa: SIM115  It lives as long as the scan.
    try:
        with PACKED[by](packed) as stream:
            while part := stream.read(UNPACK_BYTES):
                unpacked.write(part)
                require_plausible(str(path), unpacked.tell(), size)
    except ScanError:
        unpacked.close()
        raise
    except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error) as error:
        unpacked.close()
        raise ScanError(
            error_text(
                f"{path} is not a {by} file ({error})",
                expected="an .npz file, or one compressed by bzip2, gzip or xz",
                hint="copy the file again; an interrupted copy looks like this",
            )
        ) from error
    finally:
        packed.close()
    unpacked.seek(0)
    return unpacked
