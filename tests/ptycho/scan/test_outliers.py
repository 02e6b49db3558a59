"""Positions that cannot belong to a scan, or cannot be pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.errors import ScanError
from ptycho.files import npz
from ptycho.raw_data import RawData
from ptycho.scan.outliers import leave_out_far_positions, repeated_positions
from ptycho.scan.source import ScanSource
from ptycho.settings.data import ScanOptions


def raster(n: int = 36, step: float = 5.0) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Give the positions of a raster."""
    return np.arange(n) % 6 * step, np.arange(n) // 6 * step


@pytest.mark.filterwarnings("ignore:.*far from all others")
@given(which=st.sets(st.integers(0, 35), max_size=5), far=st.floats(1e3, 1e6), lost=st.booleans())
def test_far_positions_are_told_from_the_scan(which: set[int], far: float, lost: bool) -> None:
    """Some positions far away, or that are no numbers, are found, and no other."""
    x, y = raster()
    for place, index in enumerate(sorted(which)):
        x[index] = np.nan if lost else x[index] + far * (place + 1)
    _, bad, notes = leave_out_far_positions([("x", x), ("y", y), ("xs", None), ("ys", None)], 64)
    assert (set() if bad is None else set(np.flatnonzero(bad).tolist())) == which
    assert len(notes) == bool(which)


def write(arrays: dict[str, Any], x: Any, y: Any) -> Path:
    """Write a scan at such positions."""
    frames = np.resize(arrays["diff3d"], (len(x), 16, 16))
    return npz.write("scan.npz", arrays | {"diff3d": frames, "xcoords": x, "ycoords": y})


def test_a_far_frame_is_named_and_left_out(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """The frame of a position far away is left out, with one warning that names it."""
    x, y = raster()
    x[7] += 30_000
    with pytest.warns(RuntimeWarning, match=r"1 positions are far .*: 7 at \(3.*e\+04, 5\)"):
        scan = RawData.from_file(write(scan_arrays, x, y))
    np.testing.assert_array_equal(scan.xcoords, np.delete(x, 7))


@pytest.mark.parametrize(("factor", "looks"), [(0.06, "micrometres"), (30.0, "nanometres")])
def test_lengths_that_pass_as_pixels_are_refused(
    jail: Path, scan_arrays: dict[str, Any], factor: float, looks: str
) -> None:
    """Positions that see one place only, or never the same, are refused with what they look like."""
    x, y = raster()
    path = write(scan_arrays, x * factor, y * factor)
    with pytest.raises(ScanError) as caught:
        RawData.from_file(path)
    assert f"these look like {looks}" in str(caught.value)
    assert "a factor of" in str(caught.value)
    assert RawData.from_file(path, options=ScanOptions(position_unit="px")).n_frames == 36


def test_repeated_positions_are_told() -> None:
    """Frames of one position are counted; in memory nothing is said."""
    pairs = np.repeat(np.arange(10.0).reshape(5, 2), 4, axis=0)
    note = "20 frames lie on 5 different positions; frames of one position count as often as they were taken"
    assert repeated_positions(pairs, ScanSource(read_by="npz")) == [note]
    assert repeated_positions(pairs, ScanSource()) == []
    assert repeated_positions(pairs[::4], ScanSource(read_by="npz")) == []


@given(
    swap=st.booleans(), flip_x=st.booleans(), flip_y=st.booleans(), angle=st.sampled_from([0.0, 30.0, -170.0])
)
def test_turned_positions_keep_their_distances(swap: bool, flip_x: bool, flip_y: bool, angle: float) -> None:
    """Exchange, sign and rotation move the scan as a whole, and are undone by their inverse."""
    from ptycho.scan.position_units import orient_positions

    x, y = raster()
    options = ScanOptions(swap_xy=swap, flip_x=flip_x, flip_y=flip_y, rotation_deg=angle)
    turned_x, turned_y, notes = orient_positions(x, y, options)
    before, after = x + 1j * y, np.asarray(turned_x) + 1j * np.asarray(turned_y)
    np.testing.assert_allclose(
        np.abs(after[:, None] - after), np.abs(before[:, None] - before), rtol=1e-9, atol=1e-9
    )
    assert len(notes) == bool(swap or flip_x or flip_y or angle)
