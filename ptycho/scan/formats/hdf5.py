"""Any other HDF5 file: frames and positions are where the settings say, or where only one place fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.files.stored_frames import Turn
from ptycho.scan.formats._hdf5_values import frame_shape
from ptycho.scan.geometry import unit_of_length
from ptycho.scan.positions import raster_positions
from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions

Array = np.ndarray[Any, Any]

SMALLEST_FRAME_PX = 16
"""Datasets with shorter last axes are no stacks of frames."""

AXES = (("x", "y"), ("X", "Y"), ("xcoords", "ycoords"), ("posx", "posy"), ("pos_x", "pos_y"))


def recognise(file: ScanFile) -> bool:
    """Take every HDF5 file; what is missing in it is said when it is read."""
    return file.container == "hdf5"


def read(file: ScanFile, options: ScanOptions) -> ScanContents:
    """Read the frames, and positions that can be told by their names.

    Raises:
        ScanError: The frames are not there, or nothing tells which dataset holds them.
    """
    key = options.frames.rpartition(":")[2].lstrip("/") if options.frames else _frames_key(file)
    # MATLAB's axes are shown in reverse.
    by_matlab = file.hdf5.attribute(key, "MATLAB_class") is not None
    arrays: dict[str, Any] = {"diff3d": file.frames(key, turn=Turn(transposed=by_matlab))}
    notes = [] if options.frames else [f"frames: '{key}', the only stack of pictures in the file"]
    if by_matlab:
        notes.append("MATLAB wrote the frames: rows and columns are exchanged")
    unit = ""
    pair = None if options.positions else _axes(file)
    if pair is not None:
        columns, rows = (file.hdf5.numbers(axis) for axis in pair)
        x, y = raster_positions(columns, rows, file.shape(key)[:-2], pair[0], file.path)
        arrays |= {"xcoords": x, "ycoords": y}
        unit = unit_of_length(file.hdf5.units(pair[0]))
        notes.append(f"positions: '{pair[0]}' = column, '{pair[1]}' = row")
    return ScanContents(arrays, key, position_unit=unit, notes=tuple(notes))


def header(file: ScanFile) -> ScanHeader:
    """Read the side of a frame, where one dataset alone can be the frames."""
    try:
        key = _frames_key(file)
    except ScanError:
        # The settings may name it; whoever reads the scan is told.
        return ScanHeader(doubt=f"{file.path} holds no probe")
    return ScanHeader(doubt=f"{file.path} holds no probe", frame_shape=frame_shape(file, key), frames_key=key)


def _stacks(file: ScanFile) -> list[str]:
    stacks = []
    for key in file.keys:
        dataset = file.hdf5.dataset(key)
        if (
            dataset.ndim in {3, 4}
            and dataset.dtype.kind in "iuf"
            and min(dataset.shape[-2:]) >= SMALLEST_FRAME_PX
        ):
            stacks.append(key)
    return stacks


def _frames_key(file: ScanFile) -> str:
    stacks = _stacks(file)
    if len(stacks) == 1:
        return stacks[0]
    what = f"{len(stacks)} datasets that could be frames" if stacks else "no stack of frames"
    raise ScanError(
        error_text(
            f"{file.path} holds {what}",
            expected="a setting that names the frames, and one that names the positions",
            known=", ".join(stacks) if stacks else file.hdf5.shown_keys(),
            hint=f'data.frames = "{stacks[0]}"' if stacks else 'data.frames = "group/dataset"',
        )
    )


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
    layout="any HDF5 file with a stack of frames",
    needs='data.frames = "key" and data.positions = "file:key" where more than one dataset fits; '
    "data.position_unit, data.energy_kev, data.distance_m, data.detector_pixel_m",
    recognise=recognise,
    read=read,
    header=header,
    general=True,
)
