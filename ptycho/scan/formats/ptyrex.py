"""Settings of PtyREX (.json): they name the file of the frames, and say raster, detector and beam.

Source:
    Templates and converters of ePSIC and Diamond that write and read these settings.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.files.strict_json import parse_foreign_table
from ptycho.scan.geometry import Fact, Geometry, electron_wavelength_m, photon_wavelength_m
from ptycho.scan.position_units import rotated
from ptycho.scan.scan_file import open_scan
from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions

Table = dict[str, Any]

LARGEST_BYTES = 2**21
"""Settings are a few kilobytes."""

DATA, DETECTOR, COMMON = "experiment/data", "experiment/detector", "process/common"


def recognise(file: ScanFile) -> bool:
    """Tell by the two branches that only such settings have."""
    if file.container != "text" or not file.first_bytes.lstrip().startswith(b"{"):
        return False
    try:
        table = _settings(file)
    except ScanError:
        return False
    return bool(_at(table, DATA)) and bool(_at(table, COMMON))


def read(file: ScanFile, options: ScanOptions) -> ScanContents:
    """Read the frames from the file that is named, and the raster from the settings.

    Raises:
        ScanError: The file is missing, or a number that is needed is.
    """
    table = _settings(file)
    key, frames_file = _key(table, file), _frames_file(table, file)
    arrays: dict[str, Any] = {"diff3d": frames_file.frames(key)}
    notes = [f"frames: '{key}' in {frames_file.path}", *_undone(table)]
    if not options.positions:
        x, y, angle = _raster(table, file, frames_file.shape(key)[:-2])
        arrays |= {"xcoords": x, "ycoords": y}
        notes.append(f"positions: a raster, rows first, turned by {angle:g} degrees, in metres")
    return ScanContents(
        arrays, key, quantity="counts", position_unit="m", geometry=_geometry(table, file), notes=tuple(notes)
    )


def header(file: ScanFile) -> ScanHeader:
    """Read the geometry, and the side of a frame where its file is there."""
    table = _settings(file)
    rows, columns = _frames_file(table, file).shape(_key(table, file))[-2:]
    return ScanHeader(
        doubt=f"{file.path} holds no probe",
        frame_shape=(rows, columns),
        frames_key=_key(table, file),
        geometry=_geometry(table, file),
    )


def _settings(file: ScanFile) -> Table:
    content = file.stream.read(LARGEST_BYTES + 1)
    try:
        if len(content) <= LARGEST_BYTES:
            return parse_foreign_table(content.decode("utf-8"))
        reason = f"it has more than {LARGEST_BYTES} bytes"
    except (ValueError, TypeError) as error:
        reason = str(error)
    raise ScanError(error_text(f"{file.path} is no table of JSON ({reason})", expected="settings of PtyREX"))


def _at(table: Any, path: str) -> Any:
    """Look a value up by its path, None where a branch is missing."""
    for name in path.split("/"):
        table = table.get(name) if isinstance(table, dict) else None
    return table


def _number(table: Table, path: str, file: ScanFile) -> float | None:
    """Read a number, also one that stands in a list of one or two alike; None where there is none."""
    value = _at(table, path)
    values = value if isinstance(value, list) else [value]
    if value is None or values == []:
        return None
    alike = all(isinstance(one, int | float) and not isinstance(one, bool) for one in values)
    if not alike or len(set(values)) != 1:
        raise ScanError(error_text(f"'{path}' in {file.path} is {value!r}", expected="one number"))
    return float(values[0])


def _key(table: Table, file: ScanFile) -> str:
    key = _at(table, f"{DATA}/data_key")
    if not isinstance(key, str) or not key.strip("/"):
        raise ScanError(
            error_text(
                f"'{DATA}/data_key' in {file.path} is {key!r}", expected="the dataset of the frames, as text"
            )
        )
    return key.strip("/")


def _frames_file(table: Table, file: ScanFile) -> ScanFile:
    """Open the file of the frames: where the settings say, or beside them, for they travel together."""
    named = _at(table, f"{DATA}/data_path")
    if not isinstance(named, str) or not named:
        raise ScanError(
            error_text(
                f"'{DATA}/data_path' in {file.path} is {named!r}", expected="the file of the frames, as text"
            )
        )
    places = (Path(named), file.path.parent / named, file.path.parent / Path(named).name)
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise ScanError(
            error_text(
                f"{file.path} names frames in a file that is missing: {named}",
                expected=f"it, or {Path(named).name} beside {file.path.name}",
                hint="copy the frames along with the settings",
            )
        )
    frames = open_scan(found)
    if frames.container != "hdf5":
        raise ScanError(
            error_text(f"{found}, the frames of {file.path}, is a {frames.container} file", expected="HDF5")
        )
    return frames


def _raster(
    table: Table, file: ScanFile, frames: tuple[int, ...]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], float]:
    """Lay out lines and points by their step and the angle of the scan.

    Raises:
        ScanError: The step is missing, or the frames are no raster.
    """
    step = _at(table, f"{COMMON}/scan/dR")
    steps = step if isinstance(step, list) else [step, step]
    numbers = [one for one in steps if isinstance(one, int | float) and not isinstance(one, bool)]
    lines = _at(table, f"{COMMON}/scan/N")
    shape = frames if len(frames) == 2 else tuple(lines) if isinstance(lines, list) else ()
    if len(numbers) != 2 or len(shape) != 2 or int(np.prod(shape)) != int(np.prod(frames)):
        what = f"scan/dR is {step!r}, scan/N is {lines!r}"
        raise ScanError(
            error_text(
                f"{file.path} lays out no raster for frames {frames}: {what}",
                expected="dR, the step in metres, and frames (lines, points, rows, columns) or N for a list",
                hint='data.positions = "positions.csv"',
            )
        )
    angle = _number(table, f"{COMMON}/scan/rotation", file) or 0.0
    row, column = np.meshgrid(*(np.arange(count) for count in shape), indexing="ij")
    y, x = row.ravel() * numbers[0], column.ravel() * numbers[1]
    return *rotated(x, y, angle), angle


def _undone(table: Table) -> list[str]:
    """Say what PtyREX would do to the frames first, and we leave to the settings."""
    asked = {
        "bin": "data.bin",
        "crop": "data.crop_px",
        "orientation": "data.transpose, data.flip_rows, data.flip_columns",
        "optic_axis": "data.centre_px",
    }
    values = {name: _at(table, f"{COMMON}/detector/{name}") for name in asked}
    blank: tuple[Any, ...] = (None, "", "00", -1, 1, 0, [1, 1], [-1, -1], [0, 0], [])
    files = {"dead_pixel_path": "data.mask", "flat_field_path": "data.flat"}
    named = {name: _at(table, f"{DATA}/{name}") for name in files}
    return [
        f"PtyREX has {name} = {value}, which is not done here; {setting} does it"
        for name, setting, value in (
            *((name, asked[name], value) for name, value in values.items()),
            *((name, files[name], value) for name, value in named.items()),
        )
        if value not in blank
    ]


def _geometry(table: Table, file: ScanFile) -> Geometry:
    def fact(path: str) -> Fact | None:
        value = _number(table, path, file)
        return Fact(abs(value), f"{file.path}: {path}") if value else None

    position = _at(table, f"{DETECTOR}/position")
    distance = position[2] if isinstance(position, list) and len(position) == 3 else None
    electrons = _at(table, f"{COMMON}/source/radiation") == "electron"
    energy = fact(f"{COMMON}/source/energy")
    wave = electron_wavelength_m if electrons else photon_wavelength_m
    number = distance if isinstance(distance, int | float) and distance else None
    return Geometry(
        None if energy is None else Fact(wave(energy.value), energy.origin),
        None if number is None else Fact(abs(float(number)), f"{file.path}: {DETECTOR}/position"),
        fact(f"{COMMON}/detector/pix_pitch"),
        electrons=electrons,
    )


FORMAT = ScanFormat(
    name="ptyrex",
    layout="settings of PtyREX (JSON): 'experiment/data/data_path' names the HDF5 file of the frames",
    recognise=recognise,
    read=read,
    header=header,
)
