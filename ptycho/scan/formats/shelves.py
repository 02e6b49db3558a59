"""Prepared data of PtychoShelves: an HDF5 file of 'measurement/n0', or a MATLAB file of 'data' and 'fmask'.

Source:
    PtychoShelves' own preparing and loading of data (libDetXR, load_prepared_data).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.files.stored_frames import Turn
from ptycho.scan.formats._hdf5_values import frame_shape, minority, position_columns, require_arrays
from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions

Array = np.ndarray[Any, Any]

FRAMES, MASK = "data", "fmask"


def recognise(file: ScanFile) -> bool:
    """Tell by the numbered measurements, or by frames beside a mask that MATLAB named."""
    if file.container == "hdf5" and _measurements(file):
        return True
    return file.container in {"hdf5", "mat5"} and {FRAMES, MASK} <= set(file.keys)


def read(file: ScanFile, options: ScanOptions) -> ScanContents:
    """Read one measurement, or the frames that MATLAB wrote.

    Raises:
        ScanError: There is no such measurement, or an array has another shape.
    """
    if file.container == "mat5" or not _measurements(file):
        return _read_matlab(file)
    name = _measurement(file, options.entry)
    key = f"measurement/{name}/data"
    pairs = position_columns(file, f"measurement/{name}/positions", 2)
    arrays = {"diff3d": file.frames(key), "ycoords": pairs[:, 0], "xcoords": pairs[:, 1]}
    notes = [f"positions: 'measurement/{name}/positions', row and column of the corner, in whole pixels"]
    others = len(_measurements(file)) - 1
    if others:
        notes.append(f"{name} was taken, there are {others} more; data.entry = K takes another")
    return ScanContents(
        arrays,
        key,
        quantity="counts",
        origin="corner",
        bad_pixels=_bad_pixels(file, name, frame_shape(file, key)),
        notes=tuple(notes),
    )


def header(file: ScanFile) -> ScanHeader:
    """Read the side of a frame."""
    key = FRAMES
    if file.container == "hdf5" and _measurements(file):
        key = f"measurement/{_measurement(file, None)}/data"
    shape = file.shape(key)
    # MATLAB counts the frames last, which h5py shows first.
    rows, columns = shape[:2] if file.container == "mat5" and len(shape) > 1 else shape[-2:]
    return ScanHeader(doubt=f"{file.path} holds no probe", frame_shape=(rows, columns), frames_key=key)


def _measurements(file: ScanFile) -> list[str]:
    names = [name for name in file.hdf5.members("measurement") if name[:1] == "n" and name[1:].isdigit()]
    return sorted(names, key=lambda name: int(name[1:]))


def _measurement(file: ScanFile, number: int | None) -> str:
    names = _measurements(file)
    name = names[0] if number is None else f"n{number}"
    if name not in names:
        raise ScanError(
            error_text(f"there is no 'measurement/{name}' in {file.path}", known=", ".join(names))
        )
    expected = "'data' (n, rows, columns) and 'positions' (n, 2)"
    require_arrays(file, f"measurement/{name}", ("data", "positions"), expected)
    return name


def _bad_pixels(file: ScanFile, name: str, shape: tuple[int, int]) -> Array | None:
    """Mark what lies outside of the modules, and what is listed as bad."""
    modules, listed = f"detector/{name}/modules", f"detector/{name}/bad_pixels"
    if modules not in file.hdf5 and listed not in file.hdf5:
        return None
    bad = np.zeros(shape, bool)
    if modules in file.hdf5:
        bad[...] = True
        for rows, columns, row, column in position_columns(file, modules, 4).astype(int):
            bad[max(row, 0) : max(row + rows, 0), max(column, 0) : max(column + columns, 0)] = False
    if listed in file.hdf5 and file.read(listed).size:
        places = position_columns(file, listed, 2).astype(int)
        inside = np.all((places >= 0) & (places < shape), axis=1)
        bad[places[inside, 0], places[inside, 1]] = True
    return bad


def _read_matlab(file: ScanFile) -> ScanContents:
    if file.container == "mat5":
        frames, mask = (np.moveaxis(np.atleast_3d(file.read(key)), -1, 0) for key in (FRAMES, MASK))
    else:
        # h5py shows MATLAB's axes in reverse: (n, columns, rows).
        frames, mask = file.frames(FRAMES, turn=Turn(transposed=True)), file.read(MASK).swapaxes(-2, -1)
    marked = mask == 0
    bad, notes = minority(marked[0] if marked.ndim == 3 and len(marked) == 1 else marked, MASK)
    return ScanContents(
        {"diff3d": frames},
        FRAMES,
        quantity="counts",
        bad_pixels=bad,
        needs_positions="PtychoShelves keeps them with its reconstruction",
        notes=tuple(notes),
    )


FORMAT = ScanFormat(
    name="shelves",
    layout="prepared data of PtychoShelves: 'measurement/n0/data' and 'positions', or 'data' and 'fmask'",
    needs="for MATLAB's files data.positions, such as recons.mat:outputs/probe_positions",
    recognise=recognise,
    read=read,
    header=header,
)
