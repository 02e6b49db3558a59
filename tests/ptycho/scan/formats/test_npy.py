"""A lone array of frames beside a table of positions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho.errors import ScanError
from ptycho.raw_data import RawData
from ptycho.scan.scan_format import read_header
from ptycho.settings.data import ScanOptions


def write_table(arrays: dict[str, Any], header: str = "") -> None:
    """Write the positions as a table."""
    pairs = np.stack([arrays["xcoords"], arrays["ycoords"]], axis=1)
    np.savetxt("positions.csv", pairs, delimiter=",", header=header, comments="")


@pytest.mark.parametrize("raster", [False, True])
def test_frames_and_table_are_a_scan(jail: Path, scan_arrays: dict[str, Any], raster: bool) -> None:
    """A list or a raster of frames is read, mapped where it lies."""
    frames = scan_arrays["diff3d"]
    np.save("frames.npy", frames.reshape(3, 4, 16, 16) if raster else frames)
    write_table(scan_arrays, "x,y")
    scan = RawData.from_file("frames.npy", options=ScanOptions(positions="positions.csv"))
    np.testing.assert_array_equal(scan.diff3d, frames)
    np.testing.assert_array_equal(scan.xcoords, scan_arrays["xcoords"])
    assert read_header("frames.npy").frame_shape == (16, 16)


def test_a_table_may_order_its_columns(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """Columns are found by their names, their unit by the end of the names."""
    np.save("frames.npy", scan_arrays["diff3d"])
    pairs = np.stack([np.arange(12.0), scan_arrays["ycoords"], scan_arrays["xcoords"]], axis=1)
    np.savetxt("positions.csv", pairs, header="number y_um x_um", comments="# ")
    options = ScanOptions(
        positions="positions.csv", energy_kev=8.0, distance_m=1.5, pixel_size_m=75e-6, position_unit="auto"
    )
    scan = RawData.from_file("frames.npy", options=options)
    assert scan.object_pixel_m is not None
    np.testing.assert_allclose(scan.xcoords * scan.object_pixel_m, scan_arrays["xcoords"] * 1e-6)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("x,y\n1,2\nthree,4\n", "line 3 of positions.csv holds no numbers: 'three,4'"),
        ("only words\n", "positions.csv holds no table of positions"),
        ("1\n2\n", "positions.csv holds no table of positions"),
        ("1,2\n3,4,5\n", "positions.csv holds no table of positions"),
    ],
)
def test_a_damaged_table_is_refused(jail: Path, scan_arrays: dict[str, Any], content: str, text: str) -> None:
    """What is no table of numbers is refused by its line, or as a whole."""
    np.save("frames.npy", scan_arrays["diff3d"])
    Path("positions.csv").write_text(content)
    with pytest.raises(ScanError) as caught:
        RawData.from_file("frames.npy", options=ScanOptions(positions="positions.csv"))
    assert str(caught.value).startswith(text)


def test_a_setting_that_names_nothing_is_refused(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """A file or key that is not there is named with the setting."""
    np.save("frames.npy", scan_arrays["diff3d"])
    with pytest.raises(ScanError, match=r'data\.positions = "gone\.csv" names no positions'):
        RawData.from_file("frames.npy", options=ScanOptions(positions="gone.csv"))


def test_an_array_of_no_frames_is_refused(jail: Path) -> None:
    """An array of another rank, a truncated one and one of objects are each one clear error."""
    np.save("flat.npy", np.ones((4, 4)))
    np.save("objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save("short.npy", np.ones((9, 8, 8)))
    Path("short.npy").write_bytes(Path("short.npy").read_bytes()[:-100])
    for name, text in (
        ("flat", "is an array of float64"),
        ("objects", "holds Python objects"),
        ("short", "cannot be"),
    ):
        with pytest.raises(ScanError, match=rf"{name}\.npy {text}"):
            RawData.from_file(f"{name}.npy", options=ScanOptions(positions="x.csv"))
