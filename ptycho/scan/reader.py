"""Scan files of every known layout, read into the same named arrays."""

import bz2
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.files import npz
from ptycho.scan.axis_order import LABEL_KEYS, diffraction_key
from ptycho.scan.metadata import read_metadata
from ptyconf.errors import error_text

__all__ = ["Contents", "read_scan"]

Array = np.ndarray[Any, Any]

TIKE_KEYS = {"data", "scan", "probe"}

PTYCHODUS_KEY = "bad_pixels"
"""Marks the scans that ptychodus exports: intensities of any dtype, at the centres of the patches."""


@dataclass(frozen=True)
class Contents:
    """A scan file's arrays under the names of the contract, and what the file says about them.

    Attributes:
        arrays: xcoords, ycoords, xcoords_start, ycoords_start, diff3d, probeGuess, scan_index, objectGuess,
            Y; those that the file lacks are left out, and diff3d may be a memory map.
        frames_key: The key under which the file holds the frames.
        quantity: "counts" or "amplitude" where the file says so, else None.
        origin: "centre" or "corner" where the file says so, else None.
        metadata: What was embedded under '_metadata', or None.
    """

    arrays: dict[str, Array]
    frames_key: str
    quantity: str | None = None
    origin: str | None = None
    metadata: dict[str, Any] | None = None


def read_scan(path: Path) -> Contents:
    """Read a scan file; uncompressed frames are mapped, not read.

    Raises:
        FileNotFoundError: There is no such file.
        ScanError: It is damaged, or an array of the contract is missing.
    """
    if path.suffix == ".bz2":
        return _read_bz2(path)
    keys = npz.array_keys(path)
    if set(keys) >= TIKE_KEYS and "xcoords" not in keys:
        return _read_tike(path)
    frames_key = diffraction_key(keys, path)
    wanted = (
        "xcoords",
        "ycoords",
        "xcoords_start",
        "ycoords_start",
        "probeGuess",
        "scan_index",
        "objectGuess",
    )
    missing = [key for key in wanted[:2] if key not in keys]
    if missing:
        raise ScanError(
            error_text(
                f"{path} holds no positions: there is no {' and no '.join(map(repr, missing))}",
                expected="'xcoords' and 'ycoords', one number per frame, in pixels of the object grid",
                known=", ".join(keys),
            )
        )
    arrays = {key: npz.read_array(path, key) for key in wanted if key in keys}
    arrays["diff3d"] = npz.map_array(path, frames_key)
    for key in LABEL_KEYS:
        if key in keys:
            arrays["Y"] = npz.map_array(path, key)
            break
    exported = PTYCHODUS_KEY in keys
    return Contents(
        arrays,
        frames_key,
        quantity=npz.read_text(path, "quantity") or ("counts" if exported else None),
        origin=npz.read_text(path, "position_origin") or ("centre" if exported else None),
        metadata=read_metadata(path),
    )


def _read_tike(path: Path) -> Contents:
    """Read data (1, n, N, N), scan (1, n, 2) = (row, column) of the corner, and probe (1, ..., N, N)."""
    scan = npz.read_array(path, "scan")
    data = npz.map_array(path, "data")
    probe = npz.read_array(path, "probe")
    data = data[0] if data.ndim == 4 and data.shape[0] == 1 else data
    scan = scan[0] if scan.ndim == 3 and scan.shape[0] == 1 else scan
    if scan.ndim != 2 or scan.shape[1] != 2:
        raise ScanError(
            error_text(
                f"'scan' in {path} has shape {scan.shape}",
                expected="(frames, 2): row and column of each patch's corner, in pixels",
            )
        )
    arrays = {"ycoords": scan[:, 0], "xcoords": scan[:, 1], "diff3d": data, "probeGuess": probe}
    return Contents(arrays, "data", origin="corner")


def _read_bz2(path: Path) -> Contents:
    if not path.exists():
        raise FileNotFoundError(error_text(f"scan file not found: {path}", expected="an .npz file"))
    with tempfile.TemporaryDirectory() as folder:
        unpacked = Path(folder) / path.stem
        try:
            unpacked.write_bytes(bz2.decompress(path.read_bytes()))
        except (OSError, ValueError) as error:
            raise ScanError(
                error_text(
                    f"{path} is not a bzip2 file ({error})",
                    expected="an .npz file, or one compressed by bzip2",
                    hint="copy the file again; an interrupted copy looks like this",
                )
            ) from error
        contents = read_scan(unpacked)
        # The folder goes away: nothing may stay mapped to it.
        contents.arrays.update({key: np.array(array) for key, array in contents.arrays.items()})
    return contents
