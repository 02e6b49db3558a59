"""EMD files, version 1, as py4DSTEM and emdfile write them: a raster of electron diffraction patterns.

Source:
    emdfile's own writing: groups that say what they are in attributes, axes in 'dim0' to 'dim3'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.scan.formats._hdf5_values import frame_shape
from ptycho.scan.geometry import LENGTHS_M, Fact, Geometry, electron_wavelength_m, unit_of_length
from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions

Array = np.ndarray[Any, Any]

LEGACY = "4DSTEM_experiment/data/datacubes/datacube_0/data"
CALIBRATION = "metadatabundle/calibration"
PER_ANGSTROM = ("A^-1", "1/A", "Å^-1", "1/Å")


def recognise(file: ScanFile) -> bool:
    """Tell by what the file says it is, or by the name of a data cube."""
    if file.container != "hdf5":
        return False
    return file.hdf5.attribute("", "emd_group_type") == "file" or LEGACY in file.hdf5


def read(file: ScanFile, options: ScanOptions) -> ScanContents:
    """Read the raster of patterns.

    Raises:
        ScanError: There is no data cube, or nothing says how far its points lie apart.
    """
    key = _cube(file)
    lines, points, rows, columns = file.shape(key)
    step, unit, note = _step(file, key, options)
    row, column = np.meshgrid(np.arange(lines) * step, np.arange(points) * step, indexing="ij")
    angle = _calibrated(file, key, "QR_rotation")
    arrays: dict[str, Any] = {
        "diff3d": file.frames(key),
        "ycoords": row.ravel(),
        "xcoords": column.ravel(),
    }
    geometry = _geometry(file, key, options)
    notes = [note]
    if angle:
        notes.append(f"the file says QR_rotation = {angle:.4g}; data.rotation_deg turns the positions")
    semiangle = _calibrated(file, key, "probe_semiangle")
    if semiangle and options.energy_kev is not None and geometry.reciprocal_pixel_per_m is not None:
        pixel = geometry.reciprocal_pixel_per_m.value
        radius_px = 1e-3 * semiangle / (electron_wavelength_m(1e3 * options.energy_kev) * pixel)
        arrays["probeGuess"] = _focused(radius_px, min(rows, columns))
        notes.append(
            f"probe: an aperture of {semiangle:.4g} mrad in focus, {radius_px:.3g} px on the detector"
        )
    return ScanContents(
        arrays, key, quantity="counts", position_unit=unit, geometry=geometry, notes=tuple(notes)
    )


def header(file: ScanFile) -> ScanHeader:
    """Read the side of a frame."""
    key = _cube(file)
    return ScanHeader(doubt=f"{file.path} holds no probe", frame_shape=frame_shape(file, key), frames_key=key)


def _cube(file: ScanFile) -> str:
    """Find the one array of four axes."""
    if LEGACY in file.hdf5:
        return LEGACY
    cubes = [key for key in file.keys if key.endswith("/data") and len(file.shape(key)) == 4]
    if len(cubes) != 1:
        raise ScanError(
            error_text(
                f"{file.path} holds {len(cubes) or 'no'} data cubes",
                expected="one array 'data' (scan rows, scan columns, rows, columns)",
                known=file.hdf5.shown_keys(),
                hint="data.frames with another name for the file's layout"
                if not cubes
                else "one file a cube",
            )
        )
    return cubes[0]


def _axis(file: ScanFile, key: str, number: int) -> tuple[float, str]:
    """Give step and unit of an axis; 0 where the file does not say it."""
    dim = f"{key.rpartition('/')[0]}/dim{number}"
    if dim not in file.hdf5:
        return 0.0, ""
    values = file.hdf5.numbers(dim).ravel()
    step = float(values[1] - values[0]) if len(values) > 1 else 0.0
    return abs(step), file.hdf5.units(dim)


def _calibrated(file: ScanFile, key: str, name: str) -> float | None:
    root = key.partition("/")[0]
    try:
        return file.hdf5.number(f"{root}/{CALIBRATION}/{name}")
    except ScanError:
        # A text such as "pixels", or None: then nothing is calibrated.
        return None


def _pixel(file: ScanFile, key: str, letter: str, number: int) -> tuple[float, str]:
    size = _calibrated(file, key, f"{letter}_pixel_size")
    unit = file.hdf5.text(f"{key.partition('/')[0]}/{CALIBRATION}/{letter}_pixel_units")
    step, named = _axis(file, key, number)
    return (size, unit) if size and unit and unit != "pixels" else (step, named)


def _step(file: ScanFile, key: str, options: ScanOptions) -> tuple[float, str, str]:
    """Give the distance of neighbouring points, its unit, and where that is said."""
    step, unit = _pixel(file, key, "R", 0)
    if step and unit_of_length(unit) in LENGTHS_M:
        return step, unit_of_length(unit), f"positions: a raster of {step:.4g} {unit}, rows first"
    if options.position_unit != "auto":
        return step or 1.0, options.position_unit, f"positions: a raster of {step or 1.0:g}, rows first"
    raise ScanError(
        error_text(
            f"'{key}' in {file.path} does not say how far its points lie apart (it says '{unit}')",
            expected="a calibrated raster: R_pixel_size with R_pixel_units, or 'dim0' with units",
            hint='data.positions = a file of positions, or data.position_unit = "px" where points are pixels',
        )
    )


def _geometry(file: ScanFile, key: str, options: ScanOptions) -> Geometry:
    """Read the size of a detector pixel in reciprocal space; electrons are measured by angles."""
    size, unit = _pixel(file, key, "Q", 2)
    origin = f"{file.path}:/{key.rpartition('/')[0]}"
    wavelength = None
    if options.energy_kev is not None:
        value = electron_wavelength_m(1e3 * options.energy_kev)
        wavelength = Fact(value, "data.energy_kev, of electrons")
    if size and unit in PER_ANGSTROM:
        return Geometry(wavelength, reciprocal_pixel_per_m=Fact(size * 1e10, origin), electrons=True)
    if size and unit == "mrad" and wavelength is not None:
        return Geometry(
            wavelength, reciprocal_pixel_per_m=Fact(1e-3 * size / wavelength.value, origin), electrons=True
        )
    return Geometry(wavelength, electrons=True)


def _focused(radius_px: float, side: int) -> Array:
    """Make the probe of a round aperture in focus, of one unit of energy."""
    axis = np.arange(side) - side // 2
    disk = np.hypot(*np.meshgrid(axis, axis)) <= max(radius_px, 1.0)
    wave = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(disk), norm="ortho"))
    return (wave / np.linalg.norm(wave)).astype(np.complex64)


FORMAT = ScanFormat(
    name="emd",
    layout="an EMD file (py4DSTEM): one array (scan rows, scan columns, rows, columns)",
    needs="data.energy_kev (of the electrons) where the detector is calibrated in mrad",
    recognise=recognise,
    read=read,
    header=header,
)
