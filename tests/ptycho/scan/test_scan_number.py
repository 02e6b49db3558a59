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
from ptycho.scan.scan_number import choose_scan
from ptycho.settings.data import ScanOptions

FILE = Path("scan.npz")


def test_two_scans_are_told() -> None:
    """Two numbers with many frames each are two scans, and the setting that takes one is named."""
    numbers = np.repeat([3, 8], 20)
    with pytest.warns(UserWarning, match=r"numbers 2 scans, 3, 8; .*data\.scan_index = 3 takes one"):
        assert choose_scan(numbers, None, FILE) is None
    np.testing.assert_array_equal(choose_scan(numbers, 8, FILE), np.arange(20, 40))


@pytest.mark.parametrize("numbers", [np.zeros(40, np.int64), np.arange(40), np.arange(40) // 4])
def test_numbers_of_frames_are_no_scans(numbers: np.ndarray[Any, Any]) -> None:
    """One number, or numbers that count frames, are one scan; nothing is said."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert choose_scan(numbers, None, FILE) is None


def test_an_unknown_scan_names_those_there_are() -> None:
    """A number that no frame has is refused with those that frames have."""
    with pytest.raises(ScanError) as caught:
        choose_scan(np.repeat([3, 8], 20), 5, FILE)
    assert str(caught.value) == ("no frame of scan.npz belongs to data.scan_index = 5\n  known here  3, 8")


def test_one_scan_of_a_file_is_read(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """Frames and positions of the scan that is asked for, and of no other."""
    path = npz.write("scan.npz", scan_arrays | {"scan_index": np.arange(12) % 2})
    scan = RawData.from_file(path, options=ScanOptions(scan_index=1))
    np.testing.assert_array_equal(scan.diff3d, scan_arrays["diff3d"][1::2])
    np.testing.assert_array_equal(scan.xcoords, scan_arrays["xcoords"][1::2])
    assert set(scan.scan_index.tolist()) == {1}
