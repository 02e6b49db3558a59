"""Small files that other programs wrote with their own code hold the scan that they were given."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from ptycho.raw_data import RawData
from ptycho.scan.scan_file import open_scan
from ptycho.scan.scan_format import find_format
from ptycho.settings.data import ScanOptions

FILES = Path(__file__).resolve().parents[3] / "data" / "formats"
PIXEL_M, DISTANCE_M, N = 75e-6, 0.5, 32
OBJECT_PIXEL_M = 12.39841984e-10 / 8.0 * DISTANCE_M / (N * PIXEL_M)
GOOD = np.ones((N, N), bool)
GOOD[3, 5] = False


@pytest.fixture(scope="module")
def truth() -> dict[str, np.ndarray]:
    """Give the scan that every program was given."""
    with np.load(FILES / "truth.npz") as arrays:
        return dict(arrays)


def require_scan(scan: RawData, truth: dict[str, np.ndarray], rows: slice = slice(None)) -> None:
    """Assert frames and the places of them, up to where the origin lies."""
    np.testing.assert_array_equal(np.where(GOOD, scan.diff3d, 0), np.where(GOOD, truth["frames"][rows], 0))
    places = np.stack([truth["x"], truth["y"]], axis=1)[rows]
    np.testing.assert_allclose(scan.positions - scan.positions[0], places - places[0], atol=1e-4)
    assert scan.quantity == "counts"
    assert scan.object_pixel_m == pytest.approx(OBJECT_PIXEL_M, rel=1e-5)


def test_a_cxi_file_of_cdtools(truth: dict[str, np.ndarray]) -> None:
    """The cdtools program negates probe positions and writes the detector's axes: both are obeyed."""
    path = FILES / "cdtools.cxi"
    assert find_format(open_scan(path)).name == "cxi"
    scan = RawData.from_file(path, options=ScanOptions(bad_pixels="mask"))
    require_scan(scan, truth)
    np.testing.assert_array_equal(scan.mask, GOOD)


def test_the_detectors_axes_are_obeyed(tmp_path: Path, truth: dict[str, np.ndarray]) -> None:
    """Rows that grow upwards, or columns to the other side, turn the positions with them."""
    path = tmp_path / "turned.cxi"
    path.write_bytes((FILES / "cdtools.cxi").read_bytes())
    with h5py.File(path, "a") as file:
        file["entry_1/instrument_1/detector_1/basis_vectors"][...] = [[0, -PIXEL_M], [PIXEL_M, 0], [0, 0]]
    scan = RawData.from_file(path)
    np.testing.assert_allclose(np.diff(scan.ycoords), -np.diff(truth["y"]), atol=1e-4)
    np.testing.assert_allclose(np.diff(scan.xcoords), np.diff(truth["x"]), atol=1e-4)
    assert any("basis_vectors" in decision for decision in scan.decisions)


def test_patterns_and_product_of_ptychodus(truth: dict[str, np.ndarray]) -> None:
    """Two files say all: geometry, probe, patterns matched by index; one without a position is left out."""
    path = FILES / "ptychodus_diffraction.h5"
    assert find_format(open_scan(path)).name == "ptychodus"
    product = str(FILES / "ptychodus_product.h5")
    options = ScanOptions(positions=product, probe=product, bad_pixels="mask")
    scan = RawData.from_file(path, options=options)
    require_scan(scan, truth, slice(0, -1))
    np.testing.assert_array_equal(scan.mask, GOOD)
    assert scan.probe_modes is not None
    np.testing.assert_allclose(scan.probe_modes, truth["probe"], rtol=1e-5)
    assert any("1 of 20 frames have no position" in decision for decision in scan.decisions)


def test_a_data_cube_of_emdfile(truth: dict[str, np.ndarray]) -> None:
    """A calibrated cube is a raster of electrons: steps and detector by its four axes."""
    path = FILES / "emdfile.h5"
    assert find_format(open_scan(path)).name == "emd"
    scan = RawData.from_file(path, options=ScanOptions(energy_kev=300.0))
    np.testing.assert_array_equal(scan.diff3d, truth["frames"])
    pixel_m = 1 / (N * 0.02e10)
    assert scan.object_pixel_m == pytest.approx(pixel_m)
    np.testing.assert_allclose(scan.xcoords, np.tile(np.arange(5), 4) * 6e-10 / pixel_m)
    np.testing.assert_allclose(scan.ycoords, np.repeat(np.arange(4), 5) * 6e-10 / pixel_m)


def test_a_scan_of_ptylab() -> None:
    """Rows are the first column of its positions; numbers that stand in arrays of one are the geometry."""
    path = FILES / "ptylab.hdf5"
    assert find_format(open_scan(path)).name == "ptylab"
    scan = RawData.from_file(path)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(scan.diff3d, file["ptychogram"][()])
        rows, columns = (file["encoder"][()] / scan.object_pixel_m).T
        sizes = [float(file[name][0]) for name in ("wavelength", "zo", "dxd")]
    np.testing.assert_allclose(scan.ycoords, rows, atol=1e-3)
    np.testing.assert_allclose(scan.xcoords, columns, atol=1e-3)
    assert scan.object_pixel_m == pytest.approx(sizes[0] * sizes[1] / (scan.N * sizes[2]))
