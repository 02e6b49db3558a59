"""Frames that stay in their files answer as the array of them would."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.errors import ScanError
from ptycho.files.hdf5 import Hdf5File
from ptycho.files.stored_frames import StoredFrames

FRAMES = np.arange(60 * 4 * 5, dtype=np.uint16).reshape(60, 4, 5)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> StoredFrames:
    """Give the frames as two datasets of different lengths, the second a raster."""
    path = tmp_path_factory.mktemp("stored") / "a.h5"
    with h5py.File(path, "w") as file:
        file["one"], file["two"] = FRAMES[:18], FRAMES[18:].reshape(6, 7, 4, 5)
    return StoredFrames(Hdf5File(path), ("one", "two"))


@given(indices=st.lists(st.integers(-60, 59), max_size=40))
def test_frames_come_in_the_order_asked_for(stored: StoredFrames, indices: list[int]) -> None:
    """Any list of indices, repeated or negative, gives what numpy gives."""
    chosen = np.array(indices, dtype=np.int64)
    np.testing.assert_array_equal(stored[chosen], FRAMES[chosen])


@given(which=st.slices(60))
def test_slices_are_those_of_an_array(stored: StoredFrames, which: slice) -> None:
    """Any slice gives what numpy gives, across the datasets and lines of a raster."""
    np.testing.assert_array_equal(stored[which], FRAMES[which])


@given(first=st.lists(st.integers(0, 59), min_size=1), second=st.data())
def test_subsets_of_subsets(stored: StoredFrames, first: list[int], second: Any) -> None:
    """A subset is a view: its subsets and frames are those of the array's subset."""
    chosen = np.array(first)
    again = np.array(second.draw(st.lists(st.integers(0, len(first) - 1))), dtype=np.int64)
    part = stored.subset(chosen)
    assert (part.shape, part.dtype, part.size) == ((len(first), 4, 5), np.uint16, len(first) * 20)
    np.testing.assert_array_equal(part.subset(again)[:], FRAMES[chosen][again])


def test_frames_travel_as_their_place(stored: StoredFrames) -> None:
    """Another process opens the file again: a pickle holds no frame."""
    content = pickle.dumps(stored.subset(np.arange(3, 60)))
    assert len(content) < FRAMES.nbytes / 2
    np.testing.assert_array_equal(pickle.loads(content)[:], FRAMES[3:])


def test_single_frames_and_masks(stored: StoredFrames) -> None:
    """One index gives one frame, one boolean per frame gives those that are marked."""
    np.testing.assert_array_equal(stored[59], FRAMES[59])
    even = np.arange(60) % 2 == 0
    np.testing.assert_array_equal(stored[even], FRAMES[even])
    np.testing.assert_array_equal(np.asarray(stored, dtype=np.float32), FRAMES.astype(np.float32))
    with pytest.raises(IndexError, match=r"frame 60 \.\. 60 of 60 frames"):
        stored[np.array([60])]


def test_parts_have_to_fit_each_other(jail: Path) -> None:
    """Datasets of other frames, or of no frames, are refused by their shapes."""
    with h5py.File("a.h5", "w") as file:
        file["one"], file["two"], file["flat"] = FRAMES, FRAMES[:, :3], FRAMES[0]
    with pytest.raises(ScanError) as caught:
        StoredFrames(Hdf5File("a.h5"), ("one", "two"))
    assert str(caught.value) == (
        "'two' in a.h5 is an array of uint16 with shape (60, 3, 5)\n"
        "  expected  frames: (n, rows, columns), or a raster (lines, points, rows, columns), "
        "as 'one' of uint16 (60, 4, 5)"
    )
    with pytest.raises(ScanError, match=r"'flat' in a\.h5 is an array of uint16 with shape \(4, 5\)"):
        StoredFrames(Hdf5File("a.h5"), ("flat",))
