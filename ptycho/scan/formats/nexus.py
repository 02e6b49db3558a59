"""NeXus files of the definitions NXptycho and NXcxi_ptycho: 'data' in 'entry_1/data'.

Source:
    The NeXus application definition NXcxi_ptycho.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.scan.formats._hdf5_values import (
    frame_shape,
    known_geometry,
    length_m,
    minority,
    pixel_m,
    position_columns,
    unit_factor,
    wavelength_m,
)
from ptycho.scan.formats._nexus_motion import moving_axes, translation_m
from ptycho.scan.positions import raster_positions
from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.scan.geometry import Geometry
    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions

Array = np.ndarray[Any, Any]

DEFINITIONS = ("nxptycho", "nxcxi_ptycho", "nxcxiptycho")
TRANSLATIONS = ("data_1/translation", "sample_1/geometry_1/translation", "sample/geometry/translation")
GROUPS = ("entry_1/data", "entry_1/data_1", "entry/data", "entry1/data")


def recognise(file: ScanFile) -> bool:
    """Tell by the application definition, or by frames with 'x' and 'y' beside them."""
    if file.container != "hdf5":
        return False
    definition = file.hdf5.text("entry_1/definition") or file.hdf5.text("entry/definition")
    return definition.strip().lower() in DEFINITIONS or _group(file) is not None


def read(file: ScanFile, options: ScanOptions) -> ScanContents:
    """Read frames and positions, a list of them or a raster.

    Raises:
        ScanError: Frames or positions are missing or do not fit each other.
    """
    group = _require_group(file)
    frames_key = f"{group}/data"
    x, y, notes = (None, None, []) if options.positions else _positions(file, group)
    arrays = {"diff3d": file.frames(frames_key)}
    if x is not None:
        arrays |= {"xcoords": x, "ycoords": y}
    mask_key, bad = file.hdf5.first(*(f"{place}/pixel_mask" for place in _detectors(group))), None
    if mask_key is not None:
        bad, meaning = minority(file.read(mask_key) != 0, mask_key)
        notes += meaning
    return ScanContents(
        arrays,
        frames_key,
        quantity="counts",
        position_unit="m",
        geometry=_geometry(file, group),
        bad_pixels=bad,
        notes=tuple(notes),
    )


def _positions(file: ScanFile, group: str) -> tuple[Array | None, Array | None, list[str]]:
    """Read positions beside the frames, or else how the sample was moved."""
    frames, entry = file.shape(f"{group}/data")[:-2], group.partition("/")[0]
    if all(f"{group}/{axis}" in file.hdf5 for axis in "xy"):
        columns, rows = (
            file.hdf5.numbers(f"{group}/{axis}") * unit_factor(file, f"{group}/{axis}") for axis in "xy"
        )
        x, y = raster_positions(columns, rows, frames, f"the positions beside '{group}/x' in {file.path}")
        return x, y, [f"positions: '{group}/x' = column and '{group}/y' = row, in metres"]
    moved, notes = None, list[str]()
    key = file.hdf5.first(*(f"{entry}/{place}" for place in TRANSLATIONS))
    if key is not None:
        moved = position_columns(file, key, 3) * unit_factor(file, key)
        notes = [f"positions: '{key}', a translation of the sample in metres"]
    elif axes := moving_axes(file, entry):
        moved, notes = translation_m(file, axes, int(np.prod(frames)))
    if moved is None or not np.any(np.ptp(moved[:, :2], axis=0)):
        return None, None, notes
    # The patch moves against the sample, and rows and columns run against the axes of the laboratory.
    return moved[:, 0], moved[:, 1], notes


def header(file: ScanFile) -> ScanHeader:
    """Read the geometry and the side of a frame."""
    group = _require_group(file)
    return ScanHeader(
        doubt=f"{file.path} holds no probe",
        frame_shape=frame_shape(file, f"{group}/data"),
        frames_key=f"{group}/data",
        geometry=_geometry(file, group),
    )


def _geometry(file: ScanFile, group: str) -> Geometry:
    entry, detectors = group.partition("/")[0], _detectors(group)
    # 'source_1/energy' is that of the storage ring.
    beams = ("instrument_1/beam_1", "instrument/beam_1", "instrument/beam", "sample/beam", "beam_1")
    energies = (f"{entry}/{beam}/energy" for beam in beams)
    sizes = next((place for place in detectors if f"{place}/x_pixel_size" in file.hdf5), detectors[0])
    return known_geometry(
        lambda: wavelength_m(file, *energies, usual="eV"),
        lambda: length_m(file, *(f"{place}/distance" for place in detectors)),
        lambda: pixel_m(file, f"{sizes}/x_pixel_size", f"{sizes}/y_pixel_size"),
    )


def _detectors(group: str) -> tuple[str, ...]:
    """List where the detector may be described, in an entry with numbers or without."""
    entry = group.partition("/")[0]
    return tuple(f"{entry}/{place}" for place in ("instrument_1/detector_1", "instrument/detector"))


def _group(file: ScanFile) -> str | None:
    whole = (group for group in GROUPS if all(f"{group}/{name}" in file.hdf5 for name in ("data", "x", "y")))
    return next(whole, None)


def _group_of_frames(file: ScanFile) -> str | None:
    return _group(file) or next((group for group in GROUPS if f"{group}/data" in file.hdf5), None)


def _require_group(file: ScanFile) -> str:
    group = _group_of_frames(file)
    if group is None:
        raise ScanError(
            error_text(
                f"{file.path} says that it is a NeXus file of a ptychography scan, but holds no scan",
                expected=f"'data' in {' or '.join(map(repr, GROUPS))}",
                known=file.hdf5.shown_keys(),
            )
        )
    return group


FORMAT = ScanFormat(
    name="nexus",
    layout="a NeXus file (NXptycho, NXcxi_ptycho): 'data' in 'entry_1/data', 'x' and 'y' there or "
    "NXtransformations",
    recognise=recognise,
    read=read,
    header=header,
)
