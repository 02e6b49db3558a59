"""Any other HDF5 file: frames and positions are where the settings say, or where only one place fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.files.stored_frames import Turn
from ptycho.scan.formats._hdf5_values import frame_shape
from ptycho.scan.formats._only_frames import find_frames
from ptycho.scan.formats._stated import stated_beam_px, stated_geometry, stated_numbers
from ptycho.scan.geometry import unit_of_length
from ptycho.scan.mask import masks_in
from ptycho.scan.named_arrays import frames_named
from ptycho.scan.position_columns import in_one_unit
from ptycho.scan.positions import raster_positions
from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader

if TYPE_CHECKING:
    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions

Array = np.ndarray[Any, Any]

AXES = (("x", "y"), ("X", "Y"), ("xcoords", "ycoords"), ("posx", "posy"), ("pos_x", "pos_y"))


def recognise(file: ScanFile) -> bool:
    """Take every HDF5 or MATLAB file; what is missing in it is said when it is read."""
    return file.container in {"hdf5", "mat5"}


def read(file: ScanFile, options: ScanOptions) -> ScanContents:
    """Read the frames, positions that can be told by their names, and what says its unit of the geometry.

    Raises:
        ScanError: The frames are not there, or nothing tells which dataset holds them.
    """
    if options.frames:
        named = frames_named(options.frames, file)
        cells = file.hdf5.cells(named[0]) if file.container == "hdf5" else ()
        keys, notes = cells or named, list[str]()
    else:
        keys, notes = find_frames(file)
    key = keys[0]
    frames, turned = _frames(file, keys)
    arrays: dict[str, Any] = {"diff3d": frames}
    notes += turned
    unit = ""
    pair = None if options.positions else _axes(file)
    if pair is not None:
        (columns, rows), unit = in_one_unit([_numbers(file, axis) for axis in pair], _units(file, pair))
        counts = file.shape(key)[:-2] if file.container == "hdf5" and len(keys) == 1 else frames.shape[:1]
        x, y = raster_positions(columns, rows, counts, f"the positions beside '{pair[0]}' in {file.path}")
        arrays |= {"xcoords": x, "ycoords": y}
        notes.append(f"positions: '{pair[0]}' = column, '{pair[1]}' = row")
    if options.mask is None:
        notes += [
            f"'{mask}' is not taken; data.mask = \"{mask}\" takes it"
            for mask in masks_in(file.path)
            if file.shape(mask) == frames.shape[1:]
        ]
    numbers = stated_numbers(file, key) if file.container == "hdf5" else []
    return ScanContents(
        arrays,
        key,
        position_unit=unit,
        notes=tuple(notes),
        geometry=stated_geometry(numbers),
        beam_centre_px=stated_beam_px(numbers),
    )


def header(file: ScanFile) -> ScanHeader:
    """Read the side of a frame, where one dataset alone can be the frames, and the geometry."""
    try:
        (key, *_), _ = find_frames(file)
    except ScanError:
        # The settings may name it; whoever reads the scan is told.
        return ScanHeader(doubt=f"{file.path} holds no probe")
    doubt = f"{file.path} holds no probe"
    if file.container == "mat5":
        rows, columns = file.shape(key)[:2]
        return ScanHeader(doubt=doubt, frame_shape=(rows, columns), frames_key=key)
    geometry = stated_geometry(stated_numbers(file, key))
    return ScanHeader(doubt=doubt, frame_shape=frame_shape(file, key), frames_key=key, geometry=geometry)


def _frames(file: ScanFile, keys: tuple[str, ...]) -> tuple[Any, list[str]]:
    """Give the frames, and what was done to MATLAB's order of axes."""
    if file.container == "mat5":
        return file.frames(*keys), ["MATLAB wrote the frames: its last axis counts them"]
    # h5py shows MATLAB's axes in reverse.
    by_matlab = file.hdf5.attribute(keys[0], "MATLAB_class") is not None
    notes = ["MATLAB wrote the frames: rows and columns are exchanged"] if by_matlab else []
    return file.frames(*keys, turn=Turn(transposed=by_matlab)), notes


def _numbers(file: ScanFile, key: str) -> Array:
    return (
        file.hdf5.numbers(key) if file.container == "hdf5" else np.asarray(file.read(key), np.float64).ravel()
    )


def _units(file: ScanFile, names: tuple[str, str]) -> list[str]:
    return [unit_of_length(file.hdf5.units(name)) if file.container == "hdf5" else "" for name in names]


def _axes(file: ScanFile) -> tuple[str, str] | None:
    """Find the one pair of datasets in one group that is named as columns and rows are."""
    pairs = [
        (key, f"{key[: -len(x)]}{y}")
        for key in file.keys
        for x, y in AXES
        if key.rpartition("/")[2] == x and f"{key[: -len(x)]}{y}" in file.keys
    ]
    return pairs[0] if len(pairs) == 1 else None


FORMAT = ScanFormat(
    name="hdf5",
    layout="any HDF5 or MATLAB file with a stack of frames",
    needs='data.frames = "key" and data.positions = "file:key" where more than one dataset fits; '
    "data.position_unit, data.energy_kev, data.distance_m, data.detector_pixel_m",
    recognise=recognise,
    read=read,
    header=header,
    general=True,
)
