"""A scan written as NPZ is the scan that was taken."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptycho.scan.npz_writer import write_npz
from ptycho.scan.raw_data import RawData
from ptycho.settings.data import ScanOptions
from ptycho.simulate.scan import Simulation, simulate

PIXEL_UM = 0.0645751
"""Pixel of the object that 32 detector pixels and the geometry below give."""

GEOMETRY = {"energy_kev": 8.0, "distance_m": 1.0, "pixel_size_m": 75e-6}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a scan of 32 px with its probe, a bad column among its good ones, and a mask file."""
    folder = tmp_path_factory.mktemp("measured")
    scan = simulate(Simulation(N=32, n_frames=25, step_px=3.0, nphotons=1e5))
    for name, unit in (("scan.npz", 1.0), ("auto.npz", 1.0), ("um.npz", PIXEL_UM)):
        np.savez(
            folder / name,
            diff3d=scan.diff3d,
            xcoords=scan.xcoords * unit,
            ycoords=scan.ycoords * unit,
            probeGuess=scan.probeGuess,
            temperature_log=np.zeros(3),
        )
    bad = np.zeros((32, 32), bool)
    bad[:, 11] = True
    np.save(folder / "bad.npy", bad)
    return folder / "scan.npz"


def _readings() -> st.SearchStrategy[dict[str, Any]]:
    flag = st.booleans()
    return st.fixed_dictionaries(
        {
            "crop_px": st.sampled_from([None, 16, 24, 32, 40]),
            "bin": st.sampled_from([1, 2]),
            "centre_px": st.sampled_from([None, (16.0, 16.0), (14.0, 17.0)]),
            "mask": st.sampled_from([None, "bad.npy"]),
            "quantity": st.sampled_from(["auto", "counts"]),
            "transpose": flag,
            "flip_rows": flag,
            "swap_xy": flag,
            "flip_y": flag,
            "rotation_deg": st.sampled_from([0.0, 12.0]),
            "position_unit": st.sampled_from(["auto", "um"]),
        }
    )


@settings(max_examples=15, deadline=None)
@given(reading=_readings())
def test_what_is_written_is_what_was_taken(measured: Path, reading: dict[str, Any]) -> None:
    """However a scan is read, its NPZ file gives the same frames, places and probe without settings."""
    options = ScanOptions(**GEOMETRY, **reading)
    if options.mask:
        options.mask = str(measured.with_name(options.mask))
    taken = RawData.from_file(measured.with_name(f"{options.position_unit}.npz"), options=options)
    with TemporaryDirectory() as folder:
        again = RawData.from_file(write_npz(taken, Path(folder) / "taken.npz"))
        np.testing.assert_allclose(again.amplitudes(), taken.amplitudes(), rtol=1e-6)
    assert again.quantity == taken.quantity
    np.testing.assert_allclose(again.positions, taken.positions)
    np.testing.assert_allclose(again.nominal_positions, taken.nominal_positions)
    masks = [np.ones((scan.N, scan.N), bool) if scan.mask is None else scan.mask for scan in (again, taken)]
    np.testing.assert_array_equal(*masks)
    assert again.probe_modes is not None
    assert taken.probe_modes is not None
    np.testing.assert_allclose(again.probe_modes, taken.probe_modes)
    assert again.object_pixel_m == pytest.approx(taken.object_pixel_m)


def test_untouched_frames_keep_their_numbers(measured: Path, tmp_path: Path) -> None:
    """Frames that nothing was done to stand in the new file bit by bit, in their own kind of number."""
    taken = RawData.from_file(measured)
    with np.load(write_npz(taken, tmp_path / "taken.npz")) as arrays:
        assert arrays["diff3d"].dtype == taken.diff3d.dtype
        np.testing.assert_array_equal(arrays["diff3d"], taken.diff3d)
