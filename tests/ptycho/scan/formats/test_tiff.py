"""A series of TIFF files of which some are missing."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from ptycho.scan.raw_data import RawData
from ptycho.settings.data import ScanOptions

GRID = np.stack(np.meshgrid(np.arange(4), np.arange(4)), axis=-1).reshape(-1, 2) * 5.0


@settings(max_examples=10, deadline=None)
@given(missing=st.sets(st.integers(1, 14), max_size=5), first=st.sampled_from([0, 1, 980]))
def test_files_keep_their_positions(missing: set[int], first: int) -> None:
    """Whichever files within a series are missing, each frame keeps the position of its number."""
    present = [number for number in range(16) if number not in missing]
    frames = np.random.default_rng(0).poisson(50.0, (16, 16, 16)).astype(np.uint16)
    with TemporaryDirectory() as name:
        folder = Path(name)
        for number in present:
            tifffile.imwrite(folder / f"scan_{first + number:04d}.tif", frames[number])
        np.savetxt(folder / "places.csv", GRID, delimiter=",", header="x_px,y_px", comments="")
        options = ScanOptions(positions=str(folder / "places.csv"), centre="middle")
        scan = RawData.from_file(folder / f"scan_{first:04d}.tif", options=options)
        np.testing.assert_array_equal(scan.diff3d, frames[present])
    np.testing.assert_allclose(scan.positions, GRID[present])
