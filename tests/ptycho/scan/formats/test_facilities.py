"""One scan in the layouts of facilities and programs reads back as the same frames at the same places."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from ptycho.errors import ScanError
from ptycho.raw_data import RawData
from ptycho.scan.geometry import electron_wavelength_m
from ptycho.scan.scan_file import open_scan
from ptycho.scan.scan_format import find_format, read_header
from ptycho.settings.data import ScanOptions

WAVELENGTH_M = 12.39841984e-10 / 8.0
PIXEL_M = 75e-6
DISTANCE_M = 1.5
N, POINTS, LINES = 16, 4, 3
OBJECT_PIXEL_M = WAVELENGTH_M * DISTANCE_M / (N * PIXEL_M)
GEOMETRY = {"energy_kev": 8.0, "distance_m": DISTANCE_M, "pixel_size_m": PIXEL_M}

Write = Callable[[Path, "Made"], ScanOptions]


@dataclass(frozen=True)
class Made:
    """A scan before anybody wrote it: counts (n, N, N), a bad pixel, and positions in object pixels."""

    frames: np.ndarray[Any, Any]
    x: np.ndarray[Any, Any]
    y: np.ndarray[Any, Any]
    bad: np.ndarray[Any, Any]

    @property
    def x_um(self) -> np.ndarray[Any, Any]:
        """Columns in micrometres."""
        return self.x * OBJECT_PIXEL_M * 1e6

    @property
    def y_um(self) -> np.ndarray[Any, Any]:
        """Rows in micrometres."""
        return self.y * OBJECT_PIXEL_M * 1e6


def make() -> Made:
    """Make a raster whose frames are no mirror image of themselves."""
    rng = np.random.default_rng(4)
    axis = np.arange(N) - N // 2
    spot = np.exp(-(np.add.outer(axis**2, (axis - 1) ** 2) / 12))
    frames = rng.poisson(1 + 40 * spot, size=(LINES * POINTS, N, N)).astype(np.uint16)
    y, x = (grid.ravel() * 3.0 for grid in np.meshgrid(np.arange(LINES), np.arange(POINTS), indexing="ij"))
    bad = np.zeros((N, N), bool)
    bad[3, 5] = True
    return Made(frames, x + 40, y + 50, bad)


@pytest.fixture
def made() -> Made:
    """Give the scan."""
    return make()


def csaxs(path: Path, made: Made) -> ScanOptions:
    """cSAXS: millimetres, micrometres and keV; positions in a table."""
    with h5py.File(path, "w") as file:
        file["entry/data/data"] = made.frames
        file["entry/instrument/monochromator/distance"] = -DISTANCE_M * 1e3
        file["entry/instrument/monochromator/energy"] = 8.0
        for axis in "xy":
            file[f"entry/instrument/eiger_4/{axis}_pixel_size"] = PIXEL_M * 1e6
    table(path, made)
    return ScanOptions(positions="positions.csv")


def nanomax(path: Path, made: Made) -> ScanOptions:
    """NanoMAX: the stage's position, which moves the sample, and the energy in eV."""
    with h5py.File(path, "w") as file:
        file["entry/measurement/eiger1m/frames"] = made.frames
        file["entry/measurement/pseudo/x"], file["entry/measurement/pseudo/y"] = -made.x_um, -made.y_um
        file["entry/snapshot/energy"] = [8000.0]
    return ScanOptions(distance_m=DISTANCE_M, pixel_size_m=PIXEL_M)


def nsls2(path: Path, made: Made) -> ScanOptions:
    """NSLS-II: positions in two rows."""
    with h5py.File(path, "w") as file:
        file["diff_data/merlin1/det_images"] = made.frames
        file["scan/scan_positions"] = np.stack([made.x_um, made.y_um])
        file["scan/energy"] = 8.0
    return ScanOptions(distance_m=DISTANCE_M, pixel_size_m=PIXEL_M)


def lynx(path: Path, made: Made) -> ScanOptions:
    """LYNX: geometry in attributes, positions of the stage in a text of many columns."""
    with h5py.File(path, "w") as file:
        file["entry/data/eiger_4"] = made.frames
        file["entry/data/eiger_4"].attrs.update(
            Detector_distance_m=DISTANCE_M, Photon_energy_kev=8.0, Pixel_size=PIXEL_M
        )
    rows = [
        f"{index} {len(made.x)} 0 {-x} 0.01 0 {-y} 0.02"
        for index, (x, y) in enumerate(zip(made.x_um, made.y_um, strict=True))
    ]
    names = "DataPoint TotalPoints Target_x Average_x_st_fzp Stdev_x_st_fzp Target_y Average_y_st_fzp Stdev_y"
    path.with_name("scan.dat").write_text("\n".join(["a title", names, *rows]) + "\n")
    return ScanOptions(positions="scan.dat")


def shelves(path: Path, made: Made) -> ScanOptions:
    """PtychoShelves: a measurement with modules and listed bad pixels; positions are corners."""
    with h5py.File(path, "w") as file:
        file["measurement/n0/data"] = made.frames
        file["measurement/n0/positions"] = np.stack([made.y, made.x], axis=1) - N // 2
        file["detector/n0/modules"] = [[N, N, 0, 0]]
        file["detector/n0/bad_pixels"] = np.argwhere(made.bad)
    return ScanOptions(**GEOMETRY)


def shelves_mat5(path: Path, made: Made) -> ScanOptions:
    """PtychoShelves in MATLAB's version 5: frames last, a mask of good pixels."""
    savemat(path, {"data": np.moveaxis(made.frames, 0, -1), "fmask": (~made.bad).astype(float)})
    table(path, made)
    return ScanOptions(positions="positions.csv", **GEOMETRY)


def shelves_mat73(path: Path, made: Made) -> ScanOptions:
    """PtychoShelves in MATLAB's version 7.3: HDF5 with all axes in reverse."""
    with h5py.File(path, "w") as file:
        file["data"] = made.frames.swapaxes(1, 2)
        file["fmask"] = (~made.bad).astype(float).T
    table(path, made)
    return ScanOptions(positions="positions.csv", **GEOMETRY)


def tiff_pages(path: Path, made: Made) -> ScanOptions:
    """One TIFF file of many pages."""
    tifffile.imwrite(path, made.frames, photometric="minisblack")
    table(path, made)
    return ScanOptions(positions="positions.csv", **GEOMETRY)


def tiff_files(path: Path, made: Made) -> ScanOptions:
    """One TIFF file a frame, numbered without leading zeros."""
    for number, frame in enumerate(made.frames):
        tifffile.imwrite(path if number == 0 else path.with_name(f"scan_{number}.tif"), frame)
    path.rename(path.with_name("scan_0.tif"))
    table(path, made)
    return ScanOptions(positions="positions.csv", **GEOMETRY)


def table(path: Path, made: Made) -> None:
    """Write positions in micrometres beside a file."""
    pairs = np.stack([made.x_um, made.y_um], axis=1)
    np.savetxt(path.with_name("positions.csv"), pairs, delimiter=",", header="x_um,y_um")


WRITERS: dict[str, tuple[Write, str, bool]] = {
    "csaxs": (csaxs, "csaxs", False),
    "nanomax": (nanomax, "nanomax", False),
    "nsls2": (nsls2, "nsls2", False),
    "lynx": (lynx, "lynx", False),
    "shelves": (shelves, "shelves", True),
    "shelves_mat5": (shelves_mat5, "shelves", True),
    "shelves_mat73": (shelves_mat73, "shelves", True),
    "tiff_pages": (tiff_pages, "tiff", False),
    "tiff_files": (tiff_files, "tiff", False),
}
"""Who writes the scan, which format reads it, and whether the mask is in the file."""


def written(name: str, folder: Path, made: Made) -> tuple[Path, ScanOptions]:
    """Write the scan, and give the file and the settings that a user has to add."""
    path = folder / "scan.anything"
    options = WRITERS[name][0](path, made)
    return path if path.exists() else folder / "scan_0.tif", options


@pytest.mark.parametrize("name", WRITERS)
def test_a_scan_reads_back_as_it_was(jail: Path, name: str, made: Made) -> None:
    """Frames, positions, geometry and bad pixels are those that were written, whatever the file is called."""
    path, options = written(name, jail, made)
    assert find_format(open_scan(path)).name == WRITERS[name][1]
    scan = RawData.from_file(path, options=options)
    np.testing.assert_array_equal(scan.diff3d, made.frames)
    places = np.stack([made.x, made.y], axis=1)
    np.testing.assert_allclose(scan.positions - scan.positions[0], places - places[0], atol=1e-6)
    assert scan.object_pixel_m == pytest.approx(OBJECT_PIXEL_M, rel=1e-6)
    assert scan.quantity == "counts"
    if WRITERS[name][2]:
        np.testing.assert_array_equal(scan.mask, ~made.bad)
    assert read_header(path).frame_shape == (N, N)


def test_amplitudes_of_hxn_stay_amplitudes(jail: Path, made: Made) -> None:
    """HXN writes roots; their squares are the counts, the geometry is in the file in three units."""
    with h5py.File("scan.h5", "w") as file:
        file["diffamp"] = np.sqrt(made.frames)
        file["points"] = np.stack([made.x_um, made.y_um])
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


@pytest.mark.parametrize("name", [*WRITERS, "emd"])
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0.02, 0.98))
def test_a_cut_file_is_one_clear_error(jail: Path, name: str, share: float) -> None:
    """Wherever a copy stopped: the file is named, what was expected is said; or enough of it was there."""
    made = make()
    path, options = Path("scan.emd"), ScanOptions(energy_kev=300.0)
    if name == "emd":
        write_emd(path, made)
    else:
        path, options = written(name, jail, made)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with suppress(ScanError):
        # Enough of the file was there after all, or the error is raised again below.
        np.testing.assert_array_equal(RawData.from_file(path, options=options).diff3d, made.frames)
        return
    with pytest.raises(ScanError, match=path.name) as caught:
        RawData.from_file(path, options=options)
    assert "\n  " in str(caught.value)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("nanomax", "entry/measurement/pseudo/y"),
        ("nsls2", "scan/scan_positions"),
        ("shelves", "measurement/n0/positions"),
        ("shelves", "measurement/n0/data"),
    ],
)
@pytest.mark.parametrize("value", [None, "text", np.zeros((2, 2, 2, 2, 2)), np.zeros(0)])
def test_a_wrong_key_is_one_clear_error(jail: Path, name: str, key: str, value: Any, made: Made) -> None:
    """A key that is missing, or holds something else: the error names the file and says what is expected."""
    path, options = written(name, jail, made)
    with h5py.File(path, "a") as file:
        del file[key]
        if value is not None:
            file[key] = value
    with pytest.raises(ScanError) as caught:
        RawData.from_file(path, options=options)
    assert path.name in str(caught.value)
    assert "expected" in str(caught.value) or "known here" in str(caught.value)
