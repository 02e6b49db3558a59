"""Positions: what can be one, and how many a scan needs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ptycho.errors import ScanError
from ptycho.scan.coordinates import Coordinates, check_coordinates

FILE = Path("scan.npz")


def checked(x: object, y: object, xs: object = None, ys: object = None) -> Coordinates:
    """Check four arrays under the keys of the contract."""
    named = zip(("xcoords", "ycoords", "xcoords_start", "ycoords_start"), (x, y, xs, ys), strict=True)
    return check_coordinates(list(named), FILE)  # type: ignore[arg-type]


def test_nominal_positions_default_to_measured() -> None:
    """Without nominal positions the measured ones serve as both."""
    found = checked([0, 1, 2], [3, 4, 5])
    np.testing.assert_array_equal(found.x_start, [0.0, 1.0, 2.0])
    np.testing.assert_array_equal(found.y_start, [3.0, 4.0, 5.0])
    given = checked([0, 1, 2], [3, 4, 5], [7, 8, 9], [1, 2, 3])
    np.testing.assert_array_equal(given.x_start, [7.0, 8.0, 9.0])
    assert given.x.dtype == np.float64


def test_column_vectors_are_flattened() -> None:
    """(n, 1) and (1, n) count as (n,)."""
    assert len(checked(np.arange(3.0)[:, None], np.arange(3.0)[None])) == 3


def test_one_frame_is_a_scan() -> None:
    """A single position needs no span."""
    assert len(checked([5.0], [5.0])) == 1


def test_unequal_coordinates_are_refused() -> None:
    """Coordinates of different shapes are refused with the shapes."""
    with pytest.raises(ScanError) as caught:
        checked(np.arange(3.0), np.arange(4.0))
    assert str(caught.value) == (
        "Coordinate arrays must have matching shapes: xcoords (3,), ycoords (4,), xcoords_start (3,), "
        "ycoords_start (4,) in scan.npz\n"
        "  expected  one number per frame in each"
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_positions_that_are_not_finite_are_refused(value: float) -> None:
    """The first position that is not a number is named with its index."""
    with pytest.raises(ScanError) as caught:
        checked([0.0, 5.0, 9.0, 12.0], [0.0, 1.0, value, value])
    assert str(caught.value) == (
        f"position 2 in 'ycoords' of scan.npz is {value} (2 of 4 are not finite)\n"
        "  expected  finite numbers, in pixels of the object grid\n"
        "  try       leave out the frames whose positions are unknown"
    )


def test_positions_in_metres_are_refused() -> None:
    """A span under one pixel is taken for metres, with the conversion to try."""
    with pytest.raises(ScanError) as caught:
        checked([0.0, 1e-6, 2.5e-6], [0.0, 0.0, 0.0])
    assert str(caught.value) == (
        "the positions in scan.npz span 2.5e-06, less than one pixel: these look like metres\n"
        "  expected  pixels of the object grid\n"
        "  try       xcoords * N * pixel_size_m / (wavelength_m * distance_m)"
    )


def test_equal_positions_are_refused() -> None:
    """Positions that are all one are no scan."""
    with pytest.raises(ScanError) as caught:
        checked([7.0, 7.0, 7.0], [2.5, 2.5, 2.5])
    assert str(caught.value) == (
        "all 3 positions in scan.npz are equal: x = 7, y = 2.5\n"
        "  expected  a scan: positions that differ, in pixels of the object grid"
    )


def test_positions_in_other_units_are_refused() -> None:
    """A picture that no machine holds was never scanned."""
    with pytest.raises(ScanError) as caught:
        checked([0.0, 2e6, 1e6], [0.0, 0.0, 1e6])
    assert str(caught.value) == (
        "the positions in scan.npz span 2e+06 x 1e+06 pixels\n"
        f"  expected  pixels of the object grid, at most {2**30} of them\n"
        "  try       dividing the positions by the size of a pixel, if they are in other units"
    )


def test_a_line_is_a_scan() -> None:
    """Positions may share one coordinate."""
    assert len(checked([0.0, 5.0, 10.0], [2.0, 2.0, 2.0])) == 3


def test_fewer_positions_than_frames_are_refused() -> None:
    """Every pattern needs a position."""
    with pytest.raises(ScanError) as caught:
        checked([0, 5, 9], [0, 1, 2]).match(5, FILE)
    assert str(caught.value) == (
        "5 frames but 3 positions in scan.npz. Every pattern needs a position.\n"
        "  expected  'xcoords' and 'ycoords' of length 5\n"
        "  try       diff3d[:3], if the last frames were taken without a position; "
        "diff3d[2:], if the first were, such as dark frames before the scan"
    )
    with pytest.raises(ScanError, match=r"2 frames at each position: np.repeat\(positions, 2"):
        checked([0, 5, 9], [0, 1, 2]).match(6, FILE)


def test_surplus_positions_are_dropped() -> None:
    """Positions beyond the last frame are dropped, with one RuntimeWarning."""
    text = "3 positions for 2 frames: the last 1 positions were dropped"
    with pytest.warns(RuntimeWarning) as warned:
        kept, notes = checked([0, 5, 9], [0, 1, 2]).match(2, FILE)
    np.testing.assert_array_equal(kept.x, [0.0, 5.0])
    assert [str(warning.message) for warning in warned] == notes == [text]


def test_coordinates_that_are_no_numbers_are_refused() -> None:
    """Texts and complex numbers are no positions."""
    with pytest.raises(ScanError) as caught:
        checked(["a", "b"], [0.0, 5.0])
    assert str(caught.value) == (
        "'xcoords' in scan.npz is an array of <U1\n  expected  real numbers, in pixels of the object grid"
    )
    with pytest.raises(ScanError, match=r"'ycoords' in scan\.npz is an array of complex128"):
        checked([0.0, 5.0], [0j, 5j])
