"""Which array holds the frames, and in which order its axes stand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ptycho.errors import ScanError
from ptycho.raw_data import RawData
from ptycho.scan.axis_order import order_frames

FILE = Path("scan.npz")


def test_frames_first_stays_a_view(rng: np.random.Generator) -> None:
    """Frames in the usual order are handed through untouched."""
    frames = rng.random((5, 8, 8))
    ordered, notes = order_frames(frames, 5, "diff3d", FILE)
    assert ordered is frames
    assert notes == []


def test_legacy_order_is_transposed_once(rng: np.random.Generator) -> None:
    """(H, W, n) is recognised by the positions, viewed as (n, H, W), and warned about once (FORMAT-001)."""
    frames = rng.random((8, 8, 5))
    with pytest.warns(UserWarning, match="legacy order") as warned:
        ordered, notes = order_frames(frames, 5, "diff3d", FILE)
    np.testing.assert_array_equal(ordered[3], frames[:, :, 3])
    assert np.shares_memory(ordered, frames)
    text = "'diff3d' (8, 8, 5) is in the legacy order (rows, columns, frames); transposed (FORMAT-001)"
    assert [str(warning.message) for warning in warned] == notes == [text]


def test_ambiguous_order_is_taken_as_usual(rng: np.random.Generator) -> None:
    """A cube fits both orders; it is taken as (n, H, W), with a note."""
    frames = rng.random((6, 6, 6))
    ordered, notes = order_frames(frames, 6, "diff3d", FILE)
    assert ordered is frames
    assert notes == ["'diff3d' (6, 6, 6) fits both axis orders; taken as (frames, rows, columns)"]


def test_ambiguous_order_of_a_file_is_noted_once(tmp_path: Path, rng: np.random.Generator) -> None:
    """Frames of a file are ordered where it is read, and not again where the scan is checked."""
    frames, (x, y) = rng.poisson(50, (16, 16, 16)), rng.uniform(0, 40, (2, 16))
    np.savez(tmp_path / "scan.npz", diff3d=frames, xcoords=x, ycoords=y)
    decisions = RawData.from_file(tmp_path / "scan.npz").decisions
    assert sum("fits both axis orders" in said for said in decisions) == 1


def test_surplus_positions_are_no_legacy_order(rng: np.random.Generator) -> None:
    """Square frames keep their order when there are more positions than frames, even N of them."""
    frames = rng.random((5, 8, 8))
    assert order_frames(frames, 8, "diff3d", FILE)[0] is frames


def test_trailing_axis_is_dropped(rng: np.random.Generator) -> None:
    """Rank 4 with a last axis of one is squeezed, with a note."""
    ordered, notes = order_frames(rng.random((5, 8, 8, 1)), 5, "diff3d", FILE)
    assert ordered.shape == (5, 8, 8)
    assert notes == ["'diff3d' (5, 8, 8, 1): the last axis of length 1 was dropped"]


@pytest.mark.parametrize("shape", [(7, 8, 9), (8, 9, 4), (8, 8), (2, 3, 8, 8)])
def test_shape_that_fits_nothing_is_refused(shape: tuple[int, ...]) -> None:
    """When no axis is as long as the positions, the error gives the shapes (FORMAT-001)."""
    with pytest.raises(ScanError) as caught:
        order_frames(np.ones(shape), 5, "diff3d", FILE)
    assert str(caught.value) == (
        f"'diff3d' in scan.npz has shape {shape}, which fits no axis order (FORMAT-001)\n"
        "  expected  (frames, N, N), or the legacy (N, N, frames), with 5 frames\n"
        "  try       np.savez(path, diff3d=frames.reshape(5, N, N), ...)"
    )


@pytest.mark.parametrize("shape", [(5, 8, 6), (5, 6, 8)])
def test_oblong_frames_are_refused(shape: tuple[int, ...]) -> None:
    """Frames that are not square are refused with a square that they could be cut to."""
    with pytest.raises(ScanError) as caught:
        order_frames(np.ones(shape), 5, "diff3d", FILE)
    assert str(caught.value) == (
        f"the frames 'diff3d' in scan.npz are not square: {shape[1]} rows x {shape[2]} columns\n"
        "  expected  as many rows as columns\n"
        "  try       cut them around the beam to 6 x 6"
    )
