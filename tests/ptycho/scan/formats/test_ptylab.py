"""Files of PtyLab."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ptycho.errors import ScanError
from ptycho.raw_data import RawData
from ptycho.scan.scan_file import open_scan
from ptycho.scan.scan_format import find_format, read_header

WAVELENGTH_M, DISTANCE_M, PIXEL_M = 632.8e-9, 50e-3, 8e-6


def write(arrays: dict[str, Any], *, matlab: bool) -> tuple[Path, np.ndarray[Any, Any]]:
    """Write a file as Python or as MATLAB does, positions 3 px of the object apart."""
    pixel_m = WAVELENGTH_M * DISTANCE_M / (16 * PIXEL_M)
    positions = np.stack([arrays["ycoords"], arrays["xcoords"]], axis=1) * pixel_m
    with h5py.File("scan.dat", "w") as file:
        file["ptychogram"] = arrays["diff3d"].astype(np.float32)
        file["encoder"] = positions.T if matlab else positions
        for key, value in (("wavelength", WAVELENGTH_M), ("zo", DISTANCE_M), ("dxd", PIXEL_M)):
            file[key] = [[value]] if matlab else value
    return Path("scan.dat"), positions


@pytest.mark.parametrize("matlab", [False, True])
def test_both_ways_of_writing_are_read(jail: Path, scan_arrays: dict[str, Any], matlab: bool) -> None:
    """Scalars may stand in a (1, 1) array and positions may be transposed, as MATLAB writes them."""
    path, _ = write(scan_arrays, matlab=matlab)
    assert find_format(open_scan(path)).name == "ptylab"
    scan = RawData.from_file(path)
    np.testing.assert_array_equal(scan.diff3d, scan_arrays["diff3d"])
    np.testing.assert_allclose(scan.xcoords, scan_arrays["xcoords"], atol=1e-9)
    np.testing.assert_allclose(scan.ycoords, scan_arrays["ycoords"], atol=1e-9)
    assert (scan.quantity, read_header(path).frame_shape) == ("counts", (16, 16))


def test_positions_have_to_be_pairs(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """Positions of another shape are refused with theirs."""
    path, _ = write(scan_arrays, matlab=False)
    with h5py.File(path, "a") as file:
        del file["encoder"]
        file["encoder"] = np.ones((12, 5))
    with pytest.raises(ScanError, match=r"'encoder' in scan\.dat has shape \(12, 5\)"):
        RawData.from_file(path)


def test_without_distance_the_setting_is_named(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """A file that lacks its distance names the setting that gives it."""
    path, _ = write(scan_arrays, matlab=False)
    with h5py.File(path, "a") as file:
        del file["zo"]
    with pytest.raises(ScanError, match=r"try       data\.distance_m$"):
        RawData.from_file(path)


@pytest.mark.parametrize("orientation", range(8))
def test_an_orientation_turns_the_frames(jail: Path, scan_arrays: dict[str, Any], orientation: int) -> None:
    """Frames are turned as PtyLab turns them: transposed first, then rows and columns mirrored."""
    path, _ = write(scan_arrays, matlab=False)
    with h5py.File(path, "a") as file:
        file["orientation"] = orientation
    expected = scan_arrays["diff3d"]
    expected = np.transpose(expected, (0, 2, 1)) if orientation & 4 else expected
    expected = np.flip(expected, axis=-2) if orientation & 2 else expected
    expected = np.flip(expected, axis=-1) if orientation & 1 else expected
    scan = RawData.from_file(path)
    np.testing.assert_array_equal(scan.diff3d, expected)
    np.testing.assert_array_equal(scan.subset([0, 5]).diff3d, expected[[0, 5]])
