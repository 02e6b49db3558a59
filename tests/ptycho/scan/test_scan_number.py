"""Several scans in one file."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho.errors import ScanError
from ptycho.files import npz
from ptycho.raw_data import RawData
from ptycho.scan.scan_number import tell_scans_apart
from ptycho.settings.data import ScanIndex, ScanOptions

FILE = "scan.npz"


def rows_of(numbers: np.ndarray[Any, Any], wanted: ScanIndex = "auto", same: str = "") -> list[list[int]]:
    """Tell scans apart, and give the frames of each."""
    return [rows.tolist() for rows in tell_scans_apart(numbers, wanted, FILE, lambda _: same).rows]


def test_two_numbers_are_two_scans() -> None:
    """Two numbers with many frames each are two scans, and the key that says so is named."""
    told = tell_scans_apart(np.repeat([3, 8], 20), "auto", FILE, lambda _: "")
    assert [rows.tolist() for rows in told.rows] == [list(range(20)), list(range(20, 40))]
    assert told.numbers == (3, 8)
    assert told.note == "'scan_index' numbers 2 scans, 3, 8: each has its own picture"


@pytest.mark.parametrize("numbers", [np.zeros(40, np.int64), np.arange(40), np.arange(40) // 4])
def test_numbers_of_frames_are_no_scans(numbers: np.ndarray[Any, Any]) -> None:
    """One number, or numbers that count frames, are one scan; nothing is said."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        told = tell_scans_apart(numbers, "auto", FILE, lambda _: "")
    assert len(told.rows) == 1
    assert told.note == ""


def test_settings_stand_above_what_is_found() -> None:
    """Whoever says split, ignore or a number gets that, whatever the frames look like."""
    numbers = np.repeat([3, 8], 20)
    assert rows_of(np.arange(4), "split") == [[0], [1], [2], [3]]
    assert rows_of(numbers, "ignore") == [list(range(40))]
    assert rows_of(numbers, 8) == [list(range(20, 40))]


def test_parts_of_one_sample_are_one_scan() -> None:
    """Where the frames say that all show one sample, they stay together, and the reason is told."""
    told = tell_scans_apart(np.repeat([3, 8], 20), "auto", FILE, lambda _: "they look alike")
    assert len(told.rows) == 1
    assert told.note == (
        "'scan_index' numbers 2 parts of one scan: they look alike; "
        'data.scan_index = "split" takes them apart'
    )


def test_a_few_stray_frames_are_left_out() -> None:
    """Beside long scans, a number with hardly any frames makes no scan of its own; its frames are told."""
    with pytest.warns(UserWarning, match=r"with 'scan_index' 9 are left out: fewer than 16 make no scan"):
        assert rows_of(np.repeat([3, 8, 9], [20, 20, 5])) == [list(range(20)), list(range(20, 40))]


def test_an_unknown_scan_names_those_there_are() -> None:
    """A number that no frame has is refused with those that frames have."""
    with pytest.raises(ScanError) as caught:
        rows_of(np.repeat([3, 8], 20), 5)
    assert str(caught.value) == ("no frame of scan.npz belongs to data.scan_index = 5\n  known here  3, 8")


def test_one_scan_of_a_file_is_read(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """Frames and positions of the scan that is asked for, and of no other."""
    path = npz.write("scan.npz", scan_arrays | {"scan_index": np.arange(12) % 2})
    scan = RawData.from_file(path, options=ScanOptions(scan_index=1))
    np.testing.assert_array_equal(scan.diff3d, scan_arrays["diff3d"][1::2])
    np.testing.assert_array_equal(scan.xcoords, scan_arrays["xcoords"][1::2])
    assert set(scan.scan_index.tolist()) == {1}
