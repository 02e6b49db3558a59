"""NPZ files as tike lays them out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho.errors import ScanError
from ptycho.files import npz
from ptycho.scan.scan_format import read_contents, read_header


def tike_arrays(scan_arrays: dict[str, Any]) -> dict[str, Any]:
    """Lay a scan out as tike does."""
    corner = np.fft.ifftshift(scan_arrays["diff3d"], axes=(1, 2)).astype(np.float32)
    scan = np.stack([scan_arrays["ycoords"], scan_arrays["xcoords"]], axis=1).astype(np.float32)
    return {
        "data": corner[None],
        "scan": scan[None],
        "probe": scan_arrays["probeGuess"][None, None, None, None],
    }


def test_tike_layout_is_read(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """In tike's layout rows come before columns, and positions are corners."""
    contents = read_contents(npz.write("tike.npz", tike_arrays(scan_arrays)))
    assert (contents.frames_key, contents.origin) == ("data", "corner")
    np.testing.assert_array_equal(contents.arrays["xcoords"], scan_arrays["xcoords"])
    np.testing.assert_array_equal(contents.arrays["ycoords"], scan_arrays["ycoords"])
    assert contents.arrays["diff3d"].shape == (12, 16, 16)


def test_tike_positions_must_be_pairs(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """Positions of another shape are refused."""
    arrays = tike_arrays(scan_arrays) | {"scan": np.ones((1, 12, 3))}
    with pytest.raises(ScanError) as caught:
        read_contents(npz.write("tike.npz", arrays))
    assert str(caught.value) == (
        "'scan' in tike.npz has shape (12, 3)\n"
        "  expected  (frames, 2): row and column of each patch's corner, in pixels"
    )


def test_the_side_is_that_of_the_probe(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """The header gives the last two axes of the probe, whatever stands before them."""
    assert read_header(npz.write("tike.npz", tike_arrays(scan_arrays))).probe_shape == (16, 16)
