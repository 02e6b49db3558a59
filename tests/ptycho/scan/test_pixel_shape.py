"""Detector pixels that are no squares: joined, they are what a detector with squares would have seen."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ptycho.errors import ScanError
from ptycho.raw_data import RawData
from ptycho.scan.pixel_shape import joined_to_squares
from ptycho.settings.data import ScanOptions

N, FRAMES = 24, 20
NUMBERS = count()
GEOMETRY = {"energy_kev": 8.0, "distance_m": 1.0}


def written(frames: np.ndarray[Any, Any], pixel: tuple[float, float] | None) -> Path:
    """Write a scan with positions in metres, and height and width of its pixels where the file says them."""
    path = Path(f"scan-{next(NUMBERS)}.h5")
    with h5py.File(path, "w") as file:
        file["frames"] = frames
        file["x"], file["y"] = (np.arange(FRAMES) % 5 * 1e-7, np.arange(FRAMES) // 5 * 1e-7)
        for name, side in zip(("y_pixel_size_m", "x_pixel_size_m"), pixel or (), strict=False):
            file[name] = side
    return path


def read(path: Path, **options: Any) -> RawData:
    """Read a scan with its geometry."""
    return RawData.from_file(path, options=ScanOptions(position_unit="m", **GEOMETRY, **options))


@given(side=st.floats(1e-6, 1e-3), ratio=st.integers(1, 16), tall=st.booleans())
def test_whole_ratios_make_squares(side: float, ratio: int, tall: bool) -> None:
    """As many pixels are joined along their short side as their long one is longer."""
    height, width = (side * ratio, side) if tall else (side, side * ratio)
    assert joined_to_squares(height, width) == ((1, ratio) if tall else (ratio, 1))


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    joined=st.sampled_from([(1, 2), (2, 1), (1, 3), (4, 1), (2, 3)]),
    seed=st.integers(0, 99),
    binned=st.sampled_from([1, 2]),
    turned=st.sampled_from([{}, {"transpose": True}, {"flip_rows": True}, {"flip_columns": True}]),
    by=st.sampled_from(["file", "setting"]),
)
def test_joined_pixels_are_those_of_a_square_detector(
    jail: Path, joined: tuple[int, int], seed: int, binned: int, turned: dict[str, bool], by: str
) -> None:
    """Frames of oblong pixels are read as those of square ones that count what several of them do."""
    rng = np.random.default_rng(seed)
    down, across = joined
    light = 5 * np.exp(-np.hypot(*np.mgrid[-1 : 1 : 1j * N * down, -1 : 1 : 1j * N * across]) * 2)
    frames = rng.poisson(light, (FRAMES, N * down, N * across)).astype(np.uint16)
    by_hand = frames.reshape(FRAMES, N, down, N, across).sum(axis=(2, 4)).astype(np.uint16)
    side = 150e-6
    pixel = (side / down, side / across)
    oblong = read(
        written(frames, pixel if by == "file" else None),
        pixel_size_m=None if by == "file" else pixel,
        bin=binned,
        **turned,
    )
    square = read(written(by_hand, (side, side)), bin=binned, **turned)
    np.testing.assert_allclose(oblong.amplitudes(), square.amplitudes(), atol=1e-5)
    np.testing.assert_allclose(oblong.positions, square.positions)
    assert oblong.object_pixel_m == pytest.approx(square.object_pixel_m)
    assert oblong.lengths_m() == pytest.approx(square.lengths_m())


def test_a_bad_pixel_spoils_its_square(jail: Path) -> None:
    """Where one of the joined pixels measures nothing, the square does not either."""
    frames = np.random.default_rng(0).poisson(30, (FRAMES, N, 2 * N)).astype(np.uint16)
    frames[:, 5, 9] = 65535
    mask = read(written(frames, (150e-6, 75e-6))).mask
    assert mask is not None
    assert np.argwhere(~mask).tolist() == [[5, 4]]


def test_pixels_of_no_square_are_refused_with_what_helps(jail: Path) -> None:
    """The advice for 75 x 100 micrometres, typed as it stands, lays the frames where a far field has them."""
    path = written(np.random.default_rng(0).poisson(30, (FRAMES, N, N)), (75e-6, 110e-6))
    with pytest.raises(ScanError) as caught:
        read(path)
    made = re.search(r"np\.savetxt\(.*\)", str(caught.value).partition("try ")[2].partition(", and then")[0])
    assert made is not None
    code = f"import h5py, numpy as np; f = h5py.File('{path}'); x, y = f['x'][()], f['y'][()]; {made.group()}"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)
    scan = RawData.from_file(
        path, options=ScanOptions(positions="px.csv", position_unit="px", crop_px=N, **GEOMETRY)
    )
    wavelength = 1.23984198e-6 / 8000
    steps = np.ptp(scan.positions, axis=0)
    np.testing.assert_allclose(
        steps, [4e-7 / (wavelength / (N * 110e-6)), 3e-7 / (wavelength / (N * 75e-6))], rtol=1e-5
    )
