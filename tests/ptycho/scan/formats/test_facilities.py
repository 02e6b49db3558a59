"""What single facilities and microscopes have of their own."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from layouts import DISTANCE_M, LINES, OBJECT_PIXEL_M, PIXEL_M, POINTS, WAVELENGTH_M, Made, N, make, written

from ptycho.raw_data import RawData
from ptycho.scan.geometry import electron_wavelength_m
from ptycho.settings.data import ScanOptions


@pytest.fixture
def made() -> Made:
    """Give the scan."""
    return make()


def test_amplitudes_of_hxn_stay_amplitudes(jail: Path, made: Made) -> None:
    """HXN writes roots; their squares are the counts, the geometry is in the file in three units."""
    with h5py.File("scan.h5", "w") as file:
        file["diffamp"] = np.sqrt(made.frames)
        file["points"] = np.stack([made.x_m * 1e6, made.y_m * 1e6])
        file["lambda_nm"], file["z_m"], file["ccd_pixel_um"] = WAVELENGTH_M * 1e9, DISTANCE_M, PIXEL_M * 1e6
    scan = RawData.from_file("scan.h5")
    assert scan.quantity == "amplitude"
    np.testing.assert_allclose(scan.amplitudes() ** 2, made.frames, rtol=1e-5, atol=1e-5)
    assert scan.object_pixel_m == pytest.approx(OBJECT_PIXEL_M, rel=1e-6)


def write_emd(path: Path, made: Made, *, q_units: str = "A^-1") -> float:
    """Write an EMD file as emdfile does; give the side of an object pixel in metres."""
    dk, r = 0.02, 3.0
    with h5py.File(path, "w") as file:
        file.attrs.update(emd_group_type="file", version_major=1)
        cube = file.create_group("scan_root/scan")
        cube["data"] = made.frames.reshape(LINES, POINTS, N, N)
        mrad = 1e3 * dk * 1e10 * electron_wavelength_m(300e3)
        steps = [(r, "A"), (r, "A"), *[(dk, "A^-1") if q_units == "A^-1" else (mrad, "mrad")] * 2]
        for axis, (step, unit) in enumerate(steps):
            cube[f"dim{axis}"] = [0.0, step]
            cube[f"dim{axis}"].attrs["units"] = unit
    return 1 / (N * dk * 1e10)


@pytest.mark.parametrize("q_units", ["A^-1", "mrad"])
def test_electrons_are_measured_in_reciprocal_space(jail: Path, made: Made, q_units: str) -> None:
    """A raster in ångström over a detector in reciprocal ångström or mrad needs no distance."""
    pixel_m = write_emd(Path("scan.emd"), made, q_units=q_units)
    scan = RawData.from_file("scan.emd", options=ScanOptions(energy_kev=300.0))
    np.testing.assert_array_equal(scan.diff3d, made.frames)
    assert scan.object_pixel_m == pytest.approx(pixel_m, rel=1e-6)
    step = 3e-10 / pixel_m
    np.testing.assert_allclose(scan.xcoords, np.tile(np.arange(POINTS) * step, LINES), atol=1e-9)
    np.testing.assert_allclose(scan.ycoords, np.repeat(np.arange(LINES) * step, POINTS), atol=1e-9)
    assert scan.geometry.facts()["wavelength_m"] == pytest.approx(1.969e-12, rel=1e-3)


@pytest.mark.parametrize(("kev", "picometres"), [(80, 4.176), (200, 2.508), (300, 1.969)])
def test_wavelength_of_electrons_is_relativistic(kev: float, picometres: float) -> None:
    """The wavelengths of microscopes, as tables give them."""
    assert electron_wavelength_m(1e3 * kev) * 1e12 == pytest.approx(picometres, abs=1e-3)


def test_a_probe_of_ptypys_results_is_found(jail: Path, made: Made) -> None:
    """A .ptyr file is named without a key: its probe lies at one place."""
    path, options = written("nanomax", jail, made)
    probe = (np.ones((2, N, N)) * (1 + 1j)).astype(np.complex64)
    with h5py.File("result.ptyr", "w") as file:
        file["content/probe/Sscan00G00/data"] = probe
        file["content/obj/Sscan00G00/data"] = np.ones((1, 40, 40), np.complex64)
    options.probe = "result.ptyr"
    np.testing.assert_array_equal(RawData.from_file(path, options=options).probe_modes, probe)
