"""Prepared data of ptypy (.ptyd): chunks of centred frames, positions in metres as seen on the object.

Source:
    ptypy's own reading and writing of these files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.scan.formats._hdf5_values import (
    Pixel,
    frame_shape,
    known_geometry,
    length_m,
    position_columns,
    require_arrays,
    wavelength_m,
)
from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.scan.geometry import Geometry
    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions

Array = np.ndarray[Any, Any]


def recognise(file: ScanFile) -> bool:
    """Tell by the numbered chunks."""
    return file.container == "hdf5" and file.hdf5.group("chunks") and bool(_chunks(file))


def read(file: ScanFile, _options: ScanOptions) -> ScanContents:
    """Read the frames of all chunks.

    Raises:
        ScanError: A chunk lacks frames or positions.
    """
    chunks = _chunks(file)
    for chunk in chunks:
        expected = "'data' (n, N, N) and 'positions' (n, 2) in every chunk"
        require_arrays(file, chunk, ("data", "positions"), expected)
    positions = np.concatenate([position_columns(file, f"{chunk}/positions", 2) for chunk in chunks])
    return ScanContents(
        {
            "diff3d": file.frames(*(f"{chunk}/data" for chunk in chunks)),
            "ycoords": positions[:, 0],
            "xcoords": positions[:, 1],
        },
        f"{chunks[0]}/data",
        quantity="counts",
        position_unit="m",
        geometry=_geometry(file),
        bad_pixels=_bad_pixels(file, chunks),
        notes=("positions: 'positions' of the chunks, row and column in metres",),
    )


def header(file: ScanFile) -> ScanHeader:
    """Read the geometry and the side of a frame."""
    key = f"{_chunks(file)[0]}/data"
    return ScanHeader(
        doubt=f"{file.path} holds no probe",
        frame_shape=frame_shape(file, key),
        frames_key=key,
        geometry=_geometry(file),
    )


def _chunks(file: ScanFile) -> list[str]:
    numbers = sorted(int(name) for name in file.hdf5.members("chunks") if name.isdigit())
    return [f"chunks/{number}" for number in numbers]


def _bad_pixels(file: ScanFile, chunks: list[str]) -> Array | None:
    """Read the weights, above zero for good pixels; those that are bad in every frame are the mask."""
    if "info/weight2d" in file.hdf5:
        common = file.read("info/weight2d")
        return common <= 0 if common.ndim == 2 and common.size > 1 else None
    keys = [f"{chunk}/weights" for chunk in chunks if f"{chunk}/weights" in file.hdf5]
    bad: Array | None = None
    for key in keys:
        weights = file.frames(key) if len(file.shape(key)) > 2 else file.read(key)[np.newaxis]
        # One frame after the other: the weights are as large as the frames.
        for index in range(len(weights)):
            bad_here = weights[index] <= 0
            bad = bad_here if bad is None else bad & bad_here
            if not bad.any():
                return None
    return bad


def _geometry(file: ScanFile) -> Geometry:
    return known_geometry(
        lambda: wavelength_m(file, "meta/energy", usual="keV", wavelength_key="meta/lam"),
        lambda: length_m(file, "meta/distance"),
        lambda: _pixel(file),
    )


def _pixel(file: ScanFile) -> Pixel | None:
    """Read the detector pixel, one number, or one along the rows' axis and one along the columns'."""
    if "meta/psize" not in file.hdf5:
        return None
    sides = file.hdf5.numbers("meta/psize").ravel()
    if len(sides) not in {1, 2} or not np.all(sides > 0):
        raise ScanError(error_text(f"'meta/psize' in {file.path} is {sides}", expected="one or two lengths"))
    return Pixel(float(sides[0]), float(sides[-1]), f"{file.path}:/meta/psize")


FORMAT = ScanFormat(
    name="ptyd",
    layout="prepared data of ptypy: 'chunks/0/data' with 'positions' (row, column) in metres",
    recognise=recognise,
    read=read,
    header=header,
)
