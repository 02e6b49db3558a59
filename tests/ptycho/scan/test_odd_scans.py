"""Scans with oddities that real detectors have: whatever is odd, the same is decided about all the rest."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ptycho.raw_data import RawData
from ptycho.scan.geometry import photon_wavelength_m
from ptycho.settings.data import ScanOptions
from ptycho.simulate.scan import Simulation, simulate

Array = np.ndarray[Any, Any]

PIXEL_M, DISTANCE_M = 75e-6, 1.2
WAVELENGTH_M = photon_wavelength_m(8000.0)


@dataclass(frozen=True)
class Odd:
    """What is odd about a scan.

    Attributes:
        side: Side of the frames that were simulated.
        seed: Of object, positions and photons.
        dtype: Kind of the detector's numbers.
        edge: Rows and columns that the detector has around them.
        hot: Whether one pixel is hot.
        gap: Columns that hold the marker of their type.
        spikes: Whether single values are hit by cosmic rays.
        dark: Frames without light.
        doubled: Frames that were taken twice.
        unit: Of the positions in the file.
        container: "npz" or "nexus".
    """

    side: int
    seed: int
    dtype: str
    edge: tuple[int, int]
    hot: bool
    gap: int
    spikes: bool
    dark: int
    doubled: int
    unit: str
    container: str


ODD = st.builds(
    Odd,
    side=st.sampled_from([32, 64]),
    seed=st.integers(0, 5),
    dtype=st.sampled_from(["uint16", "int32", "uint32", "float32", "float64"]),
    edge=st.tuples(st.sampled_from([0, 1, 6]), st.sampled_from([0, 1, 10])),
    hot=st.booleans(),
    gap=st.sampled_from([0, 1, 2]),
    spikes=st.booleans(),
    dark=st.sampled_from([0, 1, 5]),
    doubled=st.sampled_from([0, 3]),
    unit=st.sampled_from(["px", "m", "um", "nm"]),
    container=st.sampled_from(["npz", "nexus"]),
)


@cache
def clean(side: int, seed: int) -> RawData:
    """Simulate a scan without oddities."""
    return simulate(Simulation(N=side, n_frames=64, nphotons=1e5, seed=seed, object_seed=seed))


def marker_of(dtype: Any) -> float:
    """Give what a detector of that type writes where it measured nothing."""
    kind = np.dtype(dtype)
    return -1 if kind.kind in "if" else np.iinfo(kind).max


def spoil(odd: Odd) -> tuple[Array, Array, Array, Array]:
    """Give frames, x, y in pixels, and which frames show anything, as the detector delivers them."""
    scan = clean(odd.side, odd.seed)
    rng = np.random.default_rng(odd.seed)
    frames = np.pad(scan.diff3d.astype(np.int64), ((0, 0), (0, odd.edge[0]), (0, odd.edge[1])))
    x, y = scan.xcoords.copy(), scan.ycoords.copy()
    order = np.concatenate([np.arange(64), np.arange(odd.doubled)])
    frames, x, y = frames[order], x[order], y[order]
    lit = np.ones(len(frames), bool)
    if odd.spikes:
        for frame in range(2, len(frames), 13):
            frames[frame, rng.integers(odd.side), rng.integers(odd.side)] = 60_000
    if odd.dark:
        lit[rng.choice(64, odd.dark, replace=False)] = False
        frames[~lit] = 0
    if odd.hot:
        frames[:, 2, 5] = 50_000
    if odd.gap:
        frames[:, :, 3 : 3 + odd.gap] = marker_of(odd.dtype) if np.dtype(odd.dtype).kind != "f" else 0
    return frames.astype(odd.dtype), x, y, lit


def write(odd: Odd, folder: Path) -> tuple[Path, ScanOptions, Array]:
    """Write the scan; give the file, the settings that a user adds, and which frames show anything."""
    frames, x, y, lit = spoil(odd)
    # One frame's side is taken of the detector: the square around its middle.
    pixel_m = WAVELENGTH_M * DISTANCE_M / (min(frames.shape[1:]) * PIXEL_M)
    scale = {"px": 1.0, "m": pixel_m, "um": pixel_m * 1e6, "nm": pixel_m * 1e9}[odd.unit]
    geometry = {"wavelength_m": WAVELENGTH_M, "distance_m": DISTANCE_M, "pixel_size_m": PIXEL_M}
    options = ScanOptions(position_unit=odd.unit, quantity="auto", **geometry)  # type: ignore[arg-type]
    # The beam of a detector that is wider on one side than on the other is not in its middle.
    options.centre_px = (odd.side // 2, odd.side // 2)
    path = folder / "scan.data"
    if odd.container == "nexus":
        with h5py.File(path, "w") as file:
            file["entry_1/data/data"] = frames
            file["entry_1/data/x"], file["entry_1/data/y"] = x * scale, y * scale
            for name in "xy":
                file[f"entry_1/data/{name}"].attrs["units"] = odd.unit if odd.unit != "px" else "m"
                if odd.unit == "px":
                    file[f"entry_1/data/{name}"][...] *= pixel_m
        options.position_unit = "auto"
    else:
        with path.open("wb") as stream:
            np.savez(stream, diff3d=frames, xcoords=x * scale, ycoords=y * scale)
    return path, options, lit


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(odd=ODD)
def test_oddities_decide_nothing_else(tmp_path_factory: pytest.TempPathFactory, odd: Odd) -> None:
    """Counts stay counts, the middle the middle, lit frames stay where they lay, dark ones go."""
    path, options, lit = write(odd, tmp_path_factory.mktemp("odd"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        scan = RawData.from_file(path, options=options)
    assert scan.quantity == "counts"
    told = " ".join(scan.decisions)
    assert "is at the corner" not in told
    assert len(scan) == int(lit.sum())
    reference = clean(odd.side, odd.seed)
    order = np.concatenate([np.arange(64), np.arange(odd.doubled)])[lit]
    moved = scan.positions - reference.positions[order]
    np.testing.assert_allclose(moved - moved[0], 0.0, atol=1e-5)
    measured = scan.amplitudes()
    middle = (scan.N - odd.side) // 2 if odd.side < scan.N else 0
    inside = slice(middle, middle + odd.side)
    expected = reference.amplitudes(order)
    good = np.ones((odd.side, odd.side), bool) if scan.mask is None else scan.mask[inside, inside]
    difference = np.abs(measured[:, inside, inside] ** 2 - expected**2)[:, good]
    # What stands in for a spike is the pixel's mean, which differs from what fell there by its noise.
    assert np.median(difference) < 1e-2
    assert np.mean(difference > 1e-2) < 0.01
    if odd.hot or (odd.gap and np.dtype(odd.dtype).kind != "f"):
        assert scan.mask is not None
        assert not scan.mask.all()


@pytest.mark.parametrize("place", [0, 12, 25], ids=["before", "within", "after"])
@pytest.mark.parametrize(("surplus", "n"), [(1, 25), (4, 25), (4, 32)])
def test_dark_frames_need_no_position(tmp_path: Path, place: int, surplus: int, n: int) -> None:
    """Frames without light that are as many as lack a position are left out, wherever they stand.

    That holds also where there are as many positions as a frame has columns. Settings that name these frames
    find them under their numbers.
    """
    scan = simulate(Simulation(N=32, n_frames=n, step_px=3.0, nphotons=1e5))
    dark = np.random.default_rng(0).poisson(0.01, (surplus, 32, 32)).astype(scan.diff3d.dtype)
    frames = np.concatenate([scan.diff3d[:place], dark, scan.diff3d[place:]])
    np.savez(tmp_path / "scan.npz", diff3d=frames, xcoords=scan.xcoords, ycoords=scan.ycoords)
    read = RawData.from_file(tmp_path / "scan.npz")
    np.testing.assert_array_equal(read.diff3d, scan.diff3d)
    np.testing.assert_allclose(read.positions, scan.positions)
    assert any(f"{surplus} frames without light have no position" in said for said in read.decisions)
    options = ScanOptions(frames_without_position=f"{place}:{place + surplus}")
    named = RawData.from_file(tmp_path / "scan.npz", options=options)
    np.testing.assert_array_equal(named.diff3d, scan.diff3d)
    np.testing.assert_allclose(named.positions, scan.positions)
