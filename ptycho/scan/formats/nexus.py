"""NeXus files of the definitions NXptycho and NXcxi_ptycho: 'data', 'x' and 'y' in 'entry_1/data'.

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
    pixel_size_m,
    unit_factor,
    wavelength_m,
)
from ptycho.scan.positions import raster_positions
from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.scan.geometry import Geometry
    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions

Array = np.ndarray[Any, Any]

DEFINITIONS = ("nxptycho", "nxcxi_ptycho", "nxcxiptycho")
GROUPS = ("entry_1/data", "entry_1/data_1", "entry/data", "entry1/data")


def recognise(file: ScanFile) -> bool:
    """Tell by the application definition, or by frames with 'x' and 'y' beside them."""
    if file.container != "hdf5":
        return False
    definition = file.hdf5.text("entry_1/definition") or file.hdf5.text("entry/definition")
    return definition.strip().lower() in DEFINITIONS or _group(file) is not None


def read(file: ScanFile, _options: ScanOptions) -> ScanContents:
    """Read frames and positions, a list of them or a raster.

    Raises:
        ScanError: Frames or positions are missing or do not fit each other.
    """
    group = _require_group(file)
    frames_key = f"{group}/data"
    axes = {name: file.read(f"{group}/{name}") * unit_factor(file, f"{group}/{name}") for name in "xy"}
    x, y = raster_positions(axes["x"], axes["y"], file.shape(frames_key)[:-2], f"{group}/x", file.path)
    detector = _detector(group)
    return ScanContents(
        {"diff3d": file.frames(frames_key), "xcoords": x, "ycoords": y},
        frames_key,
        quantity="counts",
        position_unit="m",
        geometry=_geometry(file, group),
        bad_pixels=_mask(file, f"{detector}/pixel_mask"),
        notes=(f"positions: '{group}/x' = column and '{group}/y' = row, in metres",),
    )


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
    entry = group.partition("/")[0]
    instrument, detector = f"{entry}/instrument_1", _detector(group)
    # 'source_1/energy' is that of the storage ring.
    energies = (f"{instrument}/beam_1/energy", f"{entry}/instrument/beam/energy", f"{entry}/beam_1/energy")
    return known_geometry(
        lambda: wavelength_m(file, *energies, usual="eV"),
        lambda: length_m(file, f"{detector}/distance", f"{entry}/instrument/detector/distance"),
        lambda: pixel_size_m(file, f"{detector}/x_pixel_size", f"{detector}/y_pixel_size"),
    )


def _detector(group: str) -> str:
    return f"{group.partition('/')[0]}/instrument_1/detector_1"


def _mask(file: ScanFile, key: str) -> Array | None:
    return file.read(key) != 0 if key in file.hdf5 else None


def _group(file: ScanFile) -> str | None:
    whole = (group for group in GROUPS if all(f"{group}/{name}" in file.hdf5 for name in ("data", "x", "y")))
    return next(whole, None)


def _require_group(file: ScanFile) -> str:
    group = _group(file)
    if group is None:
        raise ScanError(
            error_text(
                f"{file.path} says that it is a NeXus file of a ptychography scan, but holds no scan",
                expected=f"'data', 'x' and 'y' in {' or '.join(map(repr, GROUPS))}",
                known=file.hdf5.shown_keys(),
            )
        )
    return group


FORMAT = ScanFormat(
    name="nexus",
    layout="a NeXus file (NXptycho, NXcxi_ptycho): 'data', 'x' and 'y' in 'entry_1/data'",
    recognise=recognise,
    read=read,
    header=header,
)
