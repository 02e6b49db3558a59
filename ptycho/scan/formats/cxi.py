"""CXI files, version 1: frames, sample translation in metres, energy in joules.

Source:
    F. R. N. C. Maia, Nature Methods 9, 854 (2012), and the CXI file format's own description.
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
    position_columns,
    unit_factor,
    wavelength_m,
)
from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.scan.geometry import Geometry
    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions

Array = np.ndarray[Any, Any]

HAS_SIGNAL = 0x1000
"""The one bit of a CXI mask that speaks well of a pixel, lowest of those that do not mark it as bad."""

FRAMES = ("data_1/data", "instrument_1/detector_1/data")
TRANSLATIONS = (
    "data_1/translation",
    "sample_1/geometry_1/translation",
    "sample_1/geometry/translation",
    "instrument_1/detector_1/translation",
)
PROBES = ("instrument_1/source_1/illumination", "instrument_1/source_1/data_illumination")


def recognise(file: ScanFile) -> bool:
    """Tell by the version, or by the names of groups that only CXI numbers so."""
    if file.container != "hdf5" or file.hdf5.text("entry_1/definition"):
        return False
    return "cxi_version" in file.hdf5 or any(f"entry_1/{key}" in file.hdf5 for key in FRAMES)


def read(file: ScanFile, options: ScanOptions) -> ScanContents:
    """Read one entry.

    Raises:
        ScanError: There is no such entry, or it lacks frames or positions.
    """
    entry, entries = _entry(file, options.entry)
    hdf5 = file.hdf5
    frames_key = _require(file, entry, FRAMES, "frames")
    translation_key = _require(file, entry, TRANSLATIONS, "positions")
    translation = position_columns(file, translation_key, 3) * unit_factor(file, translation_key)
    # With the basis vectors that the format assumes, rows and columns run against the laboratory's axes, and
    # so does a patch against the translation of the sample: the two signs cancel.
    arrays = {
        "diff3d": file.frames(frames_key),
        "xcoords": translation[:, 0],
        "ycoords": translation[:, 1],
    }
    probe_key = hdf5.first(*(f"{entry}/{key}" for key in PROBES))
    if probe_key is not None:
        arrays["probeGuess"] = hdf5.read(probe_key)
    notes = [f"positions: '{translation_key}', a translation of the sample in metres; x = column, y = row"]
    if len(entries) > 1:
        notes.append(f"{entry} of {len(entries)} entries was taken; data.entry = K takes another")
    mask_key = f"{entry}/instrument_1/detector_1/mask"
    return ScanContents(
        arrays,
        frames_key,
        quantity="counts",
        position_unit="m",
        geometry=_geometry(file, entry),
        bad_pixels=(hdf5.read(mask_key) & (HAS_SIGNAL - 1)) != 0 if mask_key in hdf5 else None,
        notes=tuple(notes),
    )


def header(file: ScanFile) -> ScanHeader:
    """Read the geometry and the side of a frame."""
    entry, _ = _entry(file, None)
    key = _require(file, entry, FRAMES, "frames")
    probe_key = file.hdf5.first(*(f"{entry}/{name}" for name in PROBES))
    return ScanHeader(
        probe_key=probe_key or PROBES[0],
        probe_shape=None if probe_key is None else file.shape(probe_key),
        doubt="" if probe_key is not None else f"{file.path} holds no probe",
        frame_shape=frame_shape(file, key),
        frames_key=key,
        geometry=_geometry(file, entry),
    )


def _geometry(file: ScanFile, entry: str) -> Geometry:
    detector, source = f"{entry}/instrument_1/detector_1", f"{entry}/instrument_1/source_1"
    return known_geometry(
        lambda: wavelength_m(file, f"{source}/energy", usual="J", wavelength_key=f"{source}/wavelength"),
        lambda: length_m(file, f"{detector}/distance"),
        lambda: pixel_size_m(file, f"{detector}/x_pixel_size", f"{detector}/y_pixel_size"),
    )


def _entry(file: ScanFile, number: int | None) -> tuple[str, list[str]]:
    entries = [name for name in file.hdf5.members("") if name.startswith("entry_")]
    name = f"entry_{1 if number is None else number}"
    if name not in entries:
        raise ScanError(
            error_text(
                f"there is no '{name}' in {file.path}",
                known=", ".join(entries) or file.hdf5.shown_keys(),
                hint="data.entry = the number of an entry",
            )
        )
    return name, entries


def _require(file: ScanFile, entry: str, names: tuple[str, ...], what: str) -> str:
    key = file.hdf5.first(*(f"{entry}/{name}" for name in names))
    if key is None:
        raise ScanError(
            error_text(
                f"{file.path} holds no {what} in {entry}",
                expected=" or ".join(f"'{entry}/{name}'" for name in names),
                known=file.hdf5.shown_keys(),
            )
        )
    return key


FORMAT = ScanFormat(
    name="cxi",
    layout="a CXI file, version 1: 'entry_1/data_1/data' with 'translation' in metres",
    recognise=recognise,
    read=read,
    header=header,
)
