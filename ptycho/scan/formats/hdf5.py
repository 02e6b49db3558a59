"""Any other HDF5 file: frames and positions are where the settings say, or where only one place fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.files.hdf5 import SHOWN_KEYS
from ptycho.files.stored_frames import Turn
from ptycho.scan.formats._hdf5_values import frame_shape
from ptycho.scan.geometry import unit_of_length
from ptycho.scan.named_arrays import frames_named, outlines, stacks_of_frames
from ptycho.scan.positions import raster_positions
from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader
from ptyconf.errors import error_text, with_hint

if TYPE_CHECKING:
    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions

Array = np.ndarray[Any, Any]

SHOWN_STACKS = 3

AXES = (("x", "y"), ("X", "Y"), ("xcoords", "ycoords"), ("posx", "posy"), ("pos_x", "pos_y"))


def recognise(file: ScanFile) -> bool:
    """Take every HDF5 or MATLAB file; what is missing in it is said when it is read."""
    return file.container in {"hdf5", "mat5"}


def read(file: ScanFile, options: ScanOptions) -> ScanContents:
    """Read the frames, and positions that can be told by their names.

    Raises:
        ScanError: The frames are not there, or nothing tells which dataset holds them.
    """
    keys = frames_named(options.frames, file) if options.frames else (_frames_key(file),)
    key = keys[0]
    frames, notes = _frames(file, keys)
    arrays: dict[str, Any] = {"diff3d": frames}
    if not options.frames:
        notes.insert(0, f"frames: '{key}', the only stack of pictures in the file")
    unit = ""
    pair = None if options.positions else _axes(file)
    if pair is not None:
        columns, rows = (_numbers(file, axis) for axis in pair)
        counts = file.shape(key)[:-2] if file.container == "hdf5" else frames.shape[:1]
        x, y = raster_positions(columns, rows, counts, pair[0], file.path)
        arrays |= {"xcoords": x, "ycoords": y}
        unit = unit_of_length(file.hdf5.units(pair[0])) if file.container == "hdf5" else ""
        notes.append(f"positions: '{pair[0]}' = column, '{pair[1]}' = row")
    return ScanContents(arrays, key, position_unit=unit, notes=tuple(notes))


def header(file: ScanFile) -> ScanHeader:
    """Read the side of a frame, where one dataset alone can be the frames."""
    try:
        key = _frames_key(file)
    except ScanError:
        # The settings may name it; whoever reads the scan is told.
        return ScanHeader(doubt=f"{file.path} holds no probe")
    rows, columns = file.shape(key)[:2] if file.container == "mat5" else frame_shape(file, key)
    return ScanHeader(doubt=f"{file.path} holds no probe", frame_shape=(rows, columns), frames_key=key)


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


def _frames_key(file: ScanFile) -> str:
    stacks = stacks_of_frames(file)
    _require_readable(file, stacks)
    if len(stacks) == 1:
        return stacks[0]
    what = f"{len(stacks)} datasets that could be frames" if stacks else f"no stack of frames{_complex(file)}"
    raise ScanError(
        error_text(
            f"{file.path} holds {what}",
            expected="a setting that names the frames, and one that names the positions",
            known=", ".join(stacks) if stacks else _shown(file),
            hint=" or ".join(f'data.frames = "{key}"' for key in stacks[:SHOWN_STACKS]) or None,
        )
    )


def _complex(file: ScanFile) -> str:
    """Name the stacks of complex numbers, which are waves and no frames of a detector."""
    found = [f"'{key}'" for key, (shape, kind) in outlines(file).items() if kind == "c" and len(shape) == 3]
    return f": {', '.join(found)} is complex, and a detector gives real numbers (np.abs)" if found else ""


def _require_readable(file: ScanFile, stacks: list[str]) -> None:
    """Refuse to choose frames where an array cannot be looked at: those meant may be the missing ones.

    Raises:
        ScanError: A link leads nowhere, or a part or a filter is missing; says how others are named.
    """
    for key in file.keys:
        try:
            file.outline(key)
        except ScanError as error:
            if not stacks:
                raise
            ways = " or ".join(f'data.frames = "{stack}"' for stack in stacks[:SHOWN_STACKS])
            raise ScanError(with_hint(str(error), f"{ways}, or mend what is missing")) from error


def _shown(file: ScanFile) -> str:
    if file.container == "hdf5":
        return file.hdf5.shown_keys()
    return ", ".join(f"{key} {file.described(key)}" for key in file.keys[:SHOWN_KEYS])


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
