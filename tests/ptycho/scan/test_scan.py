"""A scan that passed: subsets, labels, and the way to other processes."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho.errors import ScanError
from ptycho.raw_data import RawData
from ptycho.settings.data import ScanOptions


def in_memory(arrays: dict[str, Any], **more: Any) -> RawData:
    """Make a scan from arrays in memory."""
    return RawData.from_coords_without_pc(
        arrays["xcoords"], arrays["ycoords"], arrays["diff3d"], arrays["probeGuess"], None, **more
    )


def test_subset_takes_all_that_belongs_along(tiny_scan: RawData) -> None:
    """Positions, frames, labels and index of a subset are those of its frames."""
    chosen = np.array([30, 2, 17])
    tiny_scan.scan_index = np.arange(36)
    assert tiny_scan.mean_square() == pytest.approx(np.sum(tiny_scan.diff3d, dtype=float) / 36)
    part = tiny_scan.subset(chosen)
    np.testing.assert_array_equal(part.scan_index, chosen)
    assert (len(part), part.n_frames, len(tiny_scan)) == (3, 3, 36)
    np.testing.assert_array_equal(part.positions, tiny_scan.positions[chosen])
    np.testing.assert_array_equal(part.amplitudes(), tiny_scan.amplitudes()[chosen])
    np.testing.assert_array_equal(part.labels([1]), tiny_scan.labels([2]))
    np.testing.assert_array_equal(part.diff3d, tiny_scan.diff3d[chosen])
    assert part.mean_square() == pytest.approx(np.sum(tiny_scan.diff3d[chosen], dtype=float) / 3)
    half = tiny_scan.subset(tiny_scan.positions[:, 1] < np.median(tiny_scan.positions[:, 1]))
    assert len(half) == 18


def test_mapped_frames_travel_as_a_place(jail: Path, tiny_scan: RawData) -> None:
    """Pickling a mapped scan, as loading processes do, sends no frame; the copy reads the same."""
    mapped = RawData.from_file(tiny_scan.to_file("scan.npz")).subset([4, 2])
    content = pickle.dumps(mapped._valid.frames)
    assert len(content) < 2_000
    np.testing.assert_array_equal(pickle.loads(content).amplitudes(), mapped.amplitudes())
    again = pickle.loads(pickle.dumps(tiny_scan))
    np.testing.assert_array_equal(again.amplitudes(), tiny_scan.amplitudes())


def test_missing_labels_are_named(scan_arrays: dict[str, Any]) -> None:
    """Asking for labels that are not there names rule and keys (DATA-SUP-001)."""
    scan = in_memory(scan_arrays)
    assert scan.Y is None
    with pytest.raises(ScanError) as caught:
        scan.labels([0])
    assert str(caught.value) == (
        "supervised training needs the object patch of every frame, and arrays in memory has none "
        "(DATA-SUP-001)\n"
        "  expected  an array 'Y' or 'label' of shape (12, 16, 16), complex64\n"
        '  try       model.model_type = "pinn", which learns from the frames alone'
    )


def test_labels_follow_the_bin_but_not_the_crop(tiny_scan: RawData) -> None:
    """A binned detector sees the middle of each patch; a cropped one sees other pixels, and has no labels."""
    arrays = (tiny_scan.xcoords, tiny_scan.ycoords, None, None, tiny_scan.diff3d, tiny_scan.probeGuess, None)
    binned = RawData(*arrays, None, tiny_scan.Y, options=ScanOptions(bin=2))
    np.testing.assert_array_equal(binned.labels([4]), tiny_scan.labels([4])[:, 16:48, 16:48])
    cropped = RawData(*arrays, None, tiny_scan.Y, options=ScanOptions(crop_px=32))
    assert cropped.Y is None
    assert cropped.decisions[-1] == (
        "the labelled patches 'Y' belong to the uncropped detector's finer pixels; left out"
    )


def test_light_on_masked_pixels_is_counted(jail: Path, tiny_scan: RawData) -> None:
    """The photons of a frame do not depend on which pixels are masked: the probe tells what fell on them."""
    path = tiny_scan.to_file("scan.npz")
    np.save("bad.npy", np.abs(np.arange(64) - 36)[np.newaxis] * np.ones((64, 1)) < 2)
    masked = RawData.from_file(path, options=ScanOptions(mask="bad.npy"))
    assert masked.mask is not None
    assert masked.mean_square() == pytest.approx(tiny_scan.mean_square(), rel=0.03)
    assert float(np.square(masked.amplitudes()).sum(axis=(1, 2)).mean()) < 0.95 * tiny_scan.mean_square()


def test_a_notebook_shows_the_scan(tiny_scan: RawData, scan_arrays: dict[str, Any]) -> None:
    """Numbers, mean frame, probe and decisions, with and without a probe."""
    page = tiny_scan._repr_html_()
    assert "36 of 64 x 64 px, counts" in page
    assert page.count("<img ") == 2
    assert "What was decided" in page
    bare = in_memory({**scan_arrays, "probeGuess": None})._repr_html_()
    assert '<td style="text-align:left">none</td>' in bare
    assert bare.count("<img ") == 1
