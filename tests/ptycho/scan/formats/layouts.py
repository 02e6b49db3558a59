"""One small scan in the layout of every format that is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tifffile
from scipy.io import savemat

from ptycho.scan.geometry import ELECTRON_CHARGE_C, photon_wavelength_m
from ptycho.settings.data import ScanOptions

Array = np.ndarray[Any, Any]

ENERGY_EV, PIXEL_M, DISTANCE_M = 8000.0, 75e-6, 1.5
N, POINTS, LINES = 16, 4, 3
WAVELENGTH_M = photon_wavelength_m(ENERGY_EV)
OBJECT_PIXEL_M = WAVELENGTH_M * DISTANCE_M / (N * PIXEL_M)
GEOMETRY: dict[str, Any] = {"energy_kev": 8.0, "distance_m": DISTANCE_M, "pixel_size_m": PIXEL_M}

Write = Callable[[Path, "Made"], ScanOptions]


@dataclass(frozen=True)
class Made:
    """A scan before anybody wrote it: counts (n, N, N), a bad pixel, and positions in object pixels."""

    frames: Array
    x: Array
    y: Array
    bad: Array

    @property
    def x_m(self) -> Array:
        """Columns in metres."""
        return self.x * OBJECT_PIXEL_M

    @property
    def y_m(self) -> Array:
        """Rows in metres."""
        return self.y * OBJECT_PIXEL_M


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


def table(path: Path, made: Made) -> ScanOptions:
    """Write positions in micrometres beside a file; give the settings that name them."""
    pairs = np.stack([made.x_m, made.y_m], axis=1) * 1e6
    np.savetxt(path.with_name("positions.csv"), pairs, delimiter=",", header="x_um,y_um")
    return ScanOptions(positions="positions.csv", **GEOMETRY)


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


def cxi(path: Path, made: Made) -> ScanOptions:
    """CXI: joules, translations in metres, frames behind a soft link."""
    with h5py.File(path, "w") as file:
        file["cxi_version"] = 160
        detector = file.create_group("entry_1/instrument_1/detector_1")
        detector["data"], detector["mask"] = made.frames, made.bad.astype(np.uint32) * 8
        detector["distance"], detector["x_pixel_size"], detector["y_pixel_size"] = (
            DISTANCE_M,
            PIXEL_M,
            PIXEL_M,
        )
        file["entry_1/instrument_1/source_1/energy"] = ENERGY_EV * ELECTRON_CHARGE_C
        file["entry_1/data_1/data"] = h5py.SoftLink("/entry_1/instrument_1/detector_1/data")
        file["entry_1/data_1/translation"] = np.stack([made.x_m, made.y_m, 0 * made.x], axis=1)
    return ScanOptions()


def eiger(path: Path, made: Made) -> ScanOptions:
    """Dectris: a master file and two data files."""
    half = len(made.frames) // 2
    with h5py.File(path, "w") as master:
        for number, span in enumerate((slice(0, half), slice(half, None)), start=1):
            name = f"part_data_{number:06d}.h5"
            with h5py.File(path.with_name(name), "w") as part:
                part["entry/data/data"] = made.frames[span]
            master[f"entry/data/data_{number:06d}"] = h5py.ExternalLink(name, "/entry/data/data")
        detector = master.create_group("entry/instrument/detector")
        detector["detector_distance"] = DISTANCE_M
        detector["x_pixel_size"] = detector["y_pixel_size"] = PIXEL_M
        detector["detectorSpecific/photon_energy"] = ENERGY_EV
        detector["detectorSpecific/pixel_mask"] = made.bad.astype(np.uint32)
    table(path, made)
    return ScanOptions(positions="positions.csv")


def emd(path: Path, made: Made) -> ScanOptions:
    """EMD: a raster of electrons, calibrated in ångström along the scan and in reciprocal ångström behind."""
    step = 3.0 * OBJECT_PIXEL_M * 1e10
    dk = 1e-10 / (N * OBJECT_PIXEL_M)
    with h5py.File(path, "w") as file:
        file.attrs.update(emd_group_type="file", version_major=1)
        cube = file.create_group("scan_root/scan")
        cube["data"] = made.frames.reshape(LINES, POINTS, N, N)
        for axis, (size, unit) in enumerate([(step, "A"), (step, "A"), (dk, "A^-1"), (dk, "A^-1")]):
            cube[f"dim{axis}"] = [0.0, size]
            cube[f"dim{axis}"].attrs["units"] = unit
    return ScanOptions(energy_kev=300.0)


def fold_slice(path: Path, made: Made) -> ScanOptions:
    """Frames, and beside them the stage's positions, which run the other way."""
    with h5py.File(path, "w") as file:
        file["dp"] = made.frames
    with h5py.File(path.with_name(f"{path.stem}_para.hdf5"), "w") as file:
        file["ppX"], file["ppY"] = -made.x_m, -made.y_m
    return ScanOptions(**GEOMETRY)


def hdf5(path: Path, made: Made) -> ScanOptions:
    """Nobody's layout: one stack of frames, x and y beside it."""
    with h5py.File(path, "w") as file:
        file["measured/pictures"] = made.frames
        for name, values in (("x", made.x_m), ("y", made.y_m)):
            file[f"measured/{name}"] = values * 1e6
            file[f"measured/{name}"].attrs["units"] = "um"
    return ScanOptions(quantity="counts", **GEOMETRY)


def hxn(path: Path, made: Made) -> ScanOptions:
    """HXN: roots of counts, geometry in three units."""
    with h5py.File(path, "w") as file:
        file["diffamp"] = made.frames
        file["points"] = np.stack([made.x_m, made.y_m]) * 1e6
        file["lambda_nm"], file["z_m"], file["ccd_pixel_um"] = WAVELENGTH_M * 1e9, DISTANCE_M, PIXEL_M * 1e6
    return ScanOptions()


def lynx(path: Path, made: Made) -> ScanOptions:
    """LYNX: geometry in attributes, positions of the stage in a text of many columns."""
    with h5py.File(path, "w") as file:
        file["entry/data/eiger_4"] = made.frames
        file["entry/data/eiger_4"].attrs.update(
            Detector_distance_m=DISTANCE_M, Photon_energy_kev=8.0, Pixel_size=PIXEL_M
        )
    rows = [
        f"{index} {len(made.x)} 0 {-x} 0.01 0 {-y} 0.02"
        for index, (x, y) in enumerate(zip(made.x_m * 1e6, made.y_m * 1e6, strict=True))
    ]
    names = "DataPoint TotalPoints Target_x Average_x_st_fzp Stdev_x_st_fzp Target_y Average_y_st_fzp Stdev_y"
    path.with_name("scan.dat").write_text("\n".join(["a title", names, *rows]) + "\n")
    return ScanOptions(positions="scan.dat")


def nanomax(path: Path, made: Made) -> ScanOptions:
    """NanoMAX: the stage's position, which moves the sample, and the energy in eV."""
    with h5py.File(path, "w") as file:
        file["entry/measurement/eiger1m/frames"] = made.frames
        for name, values in (("x", made.x_m), ("y", made.y_m)):
            file[f"entry/measurement/pseudo/{name}"] = -values * 1e6
        file["entry/snapshot/energy"] = ENERGY_EV
    return ScanOptions(distance_m=DISTANCE_M, pixel_size_m=PIXEL_M)


def nexus(path: Path, made: Made) -> ScanOptions:
    """NeXus: a raster whose energy carries its unit."""
    with h5py.File(path, "w") as file:
        file["entry_1/definition"] = "NXptycho"
        file["entry_1/data/data"] = made.frames
        for name, values in (("x", made.x_m), ("y", made.y_m)):
            file[f"entry_1/data/{name}"] = values * 1e3
            file[f"entry_1/data/{name}"].attrs["units"] = "mm"
        file["entry_1/instrument_1/beam_1/energy"] = 8.0
        file["entry_1/instrument_1/beam_1/energy"].attrs["units"] = "keV"
        detector = file.create_group("entry_1/instrument_1/detector_1")
        detector["distance"], detector["x_pixel_size"], detector["y_pixel_size"] = (
            DISTANCE_M,
            PIXEL_M,
            PIXEL_M,
        )
        detector["pixel_mask"] = made.bad.astype(np.uint8)
    return ScanOptions()


def npy(path: Path, made: Made) -> ScanOptions:
    """One array."""
    with path.open("wb") as stream:
        np.save(stream, made.frames)
    return table(path, made)


def npz(path: Path, made: Made) -> ScanOptions:
    """Our own layout."""
    with path.open("wb") as stream:
        np.savez(stream, diff3d=made.frames, xcoords=made.x, ycoords=made.y, mask=made.bad)
    return ScanOptions()


def nsls2(path: Path, made: Made) -> ScanOptions:
    """NSLS-II: positions in two rows."""
    with h5py.File(path, "w") as file:
        file["diff_data/merlin1/det_images"] = made.frames
        file["scan/scan_positions"] = np.stack([made.x_m, made.y_m]) * 1e6
        file["scan/energy"] = 8.0
    return ScanOptions(distance_m=DISTANCE_M, pixel_size_m=PIXEL_M)


def ptychodus(path: Path, made: Made) -> ScanOptions:
    """Patterns in another order than the positions of the product, matched by index."""
    order = np.random.default_rng(2).permutation(len(made.frames))
    with h5py.File(path, "w") as file:
        file["patterns"], file["indexes"], file["bad_pixels"] = made.frames[order], order, made.bad
        file["patterns"].attrs.update(detector_pixel_width_m=PIXEL_M, detector_pixel_height_m=PIXEL_M)
    with h5py.File(path.with_name("product.h5"), "w") as file:
        file.attrs.update(photon_energy_eV=ENERGY_EV, detector_object_distance_m=DISTANCE_M)
        file["probe_position_indexes"] = np.arange(len(made.frames))
        file["probe_position_x_m"], file["probe_position_y_m"] = made.x_m, made.y_m
    return ScanOptions(positions="product.h5")


def ptyd(path: Path, made: Made) -> ScanOptions:
    """ptypy: two chunks, the tenth before the second by name."""
    with h5py.File(path, "w") as file:
        for name, span in (("2", slice(0, 5)), ("10", slice(5, None))):
            file[f"chunks/{name}/data"] = made.frames[span]
            file[f"chunks/{name}/positions"] = np.stack([made.y_m, made.x_m], axis=1)[span]
        file["info/weight2d"] = (~made.bad).astype(np.float32)
        file["meta/energy"], file["meta/distance"], file["meta/psize"] = 8.0, DISTANCE_M, PIXEL_M
    return ScanOptions()


def ptylab(path: Path, made: Made) -> ScanOptions:
    """PtyLab: rows before columns."""
    with h5py.File(path, "w") as file:
        file["ptychogram"] = made.frames.astype(np.float32)
        file["encoder"] = np.stack([made.y_m, made.x_m], axis=1)
        file["wavelength"], file["zo"], file["dxd"] = WAVELENGTH_M, DISTANCE_M, PIXEL_M
    return ScanOptions()


def ptyrex(path: Path, made: Made) -> ScanOptions:
    """PtyREX: settings in JSON, and a raster of frames beside them."""
    with h5py.File(path.with_name("frames.h5"), "w") as file:
        file["data/frames"] = made.frames.reshape(LINES, POINTS, N, N)
    step = 3.0 * OBJECT_PIXEL_M
    common = {
        "detector": {"pix_pitch": [PIXEL_M, PIXEL_M], "orientation": "00"},
        "scan": {"dR": [step, step], "N": [LINES, POINTS], "rotation": 0.0},
        "source": {"energy": [ENERGY_EV], "radiation": "xray"},
    }
    settings = {
        "experiment": {
            "data": {"data_path": "/elsewhere/frames.h5", "data_key": "data/frames"},
            "detector": {"position": [0, 0, DISTANCE_M]},
        },
        "process": {"common": common},
    }
    path.write_text(json.dumps(settings))
    return ScanOptions()


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
    with path.open("wb") as stream:
        savemat(stream, {"data": np.moveaxis(made.frames, 0, -1), "fmask": (~made.bad).astype(float)})
    return table(path, made)


def shelves_mat73(path: Path, made: Made) -> ScanOptions:
    """PtychoShelves in MATLAB's version 7.3: HDF5 with all axes in reverse."""
    with h5py.File(path, "w") as file:
        file["data"] = made.frames.swapaxes(1, 2)
        file["data"].attrs["MATLAB_class"] = np.bytes_("uint16")
        file["fmask"] = (~made.bad).astype(float).T
    return table(path, made)


def tiff(path: Path, made: Made) -> ScanOptions:
    """One TIFF file of many pages."""
    tifffile.imwrite(path, made.frames, photometric="minisblack")
    return table(path, made)


def tiff_files(path: Path, made: Made) -> ScanOptions:
    """One TIFF file a frame, numbered without leading zeros; the path is that of the first."""
    for number, frame in enumerate(made.frames):
        tifffile.imwrite(path.with_name(path.name.replace("0", str(number))), frame)
    return table(path, made)


def tike(path: Path, made: Made) -> ScanOptions:
    """Tike: positions of corners, rows before columns, and a probe."""
    probe = np.ones((1, 1, 1, 1, N, N), np.complex64)
    corners = np.stack([made.y, made.x], axis=1)[np.newaxis] - N // 2
    with path.open("wb") as stream:
        np.savez(stream, data=made.frames[np.newaxis], scan=corners, probe=probe)
    return ScanOptions(quantity="counts", centre="middle")


LAYOUTS: dict[str, tuple[Write, str, bool]] = {
    writer.__name__: (writer, read_by, has_mask)
    for writer, read_by, has_mask in (
        (csaxs, "csaxs", False),
        (cxi, "cxi", True),
        (eiger, "eiger", True),
        (emd, "emd", False),
        (fold_slice, "fold_slice", False),
        (hdf5, "hdf5", False),
        (hxn, "hxn", False),
        (lynx, "lynx", False),
        (nanomax, "nanomax", False),
        (nexus, "nexus", True),
        (npy, "npy", False),
        (npz, "npz", True),
        (nsls2, "nsls2", False),
        (ptychodus, "ptychodus", True),
        (ptyd, "ptyd", True),
        (ptylab, "ptylab", False),
        (ptyrex, "ptyrex", False),
        (shelves, "shelves", True),
        (shelves_mat5, "shelves", True),
        (shelves_mat73, "shelves", True),
        (tiff, "tiff", False),
        (tiff_files, "tiff", False),
        (tike, "tike", False),
    )
}
"""Who writes the scan, which format reads it, and whether the mask is in the file."""


def written(name: str, folder: Path, made: Made) -> tuple[Path, ScanOptions]:
    """Write the scan under a name that says nothing; give the file and what a user has to add."""
    path = folder / "scan_0"
    return path, LAYOUTS[name][0](path, made)
