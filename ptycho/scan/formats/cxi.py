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
    minority,
    pixel_m,
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
    rows, columns, seen_along = _detector_axes(file, entry)
    # A patch moves against the translation of the sample.
    arrays = {
        "diff3d": file.frames(frames_key),
        "xcoords": -translation @ columns,
        "ycoords": -translation @ rows,
    }
    probe_key = hdf5.first(*(f"{entry}/{key}" for key in PROBES))
    if probe_key is not None:
        arrays["probeGuess"] = hdf5.read(probe_key)
    notes = [f"positions: '{translation_key}', a translation of the sample in metres, along {seen_along}"]
    if len(entries) > 1:
        notes.append(f"{entry} of {len(entries)} entries was taken; data.entry = K takes another")
    mask_key, dark_key = (f"{entry}/instrument_1/detector_1/{name}" for name in ("mask", "data_dark"))
    bad = None
    if mask_key in hdf5:
        bad, meaning = minority((_whole_numbers(file, mask_key) & (HAS_SIGNAL - 1)) != 0, mask_key)
        notes += meaning
    if dark_key in hdf5 and options.dark is None:
        notes.append(f"'{dark_key}' is not taken off the frames; data.dark = \"{dark_key}\" does that")
    return ScanContents(
        arrays,
        frames_key,
        quantity="counts",
        position_unit="m",
        geometry=_geometry(file, entry),
        bad_pixels=bad,
        beam_centre_px=_beam_px(file, entry, frame_shape(file, frames_key)),
        notes=tuple(notes),
    )


def _beam_px(file: ScanFile, entry: str, shape: tuple[int, int]) -> tuple[float, float] | None:
    """Give row and column of the beam where corner and axes of the detector say it; None off the frame."""
    corner_key, vectors_key = (
        f"{entry}/instrument_1/detector_1/{name}" for name in ("corner_position", "basis_vectors")
    )
    if corner_key not in file.hdf5 or vectors_key not in file.hdf5:
        return None
    corner, vectors = file.hdf5.numbers(corner_key).ravel(), file.hdf5.numbers(vectors_key)
    vectors = vectors.T if vectors.shape == (3, 2) else vectors
    lengths = np.sum(vectors**2, axis=-1) if vectors.shape == (2, 3) else np.zeros(2)
    if corner.shape != (3,) or not np.all(lengths > 0):
        return None
    # From the corner of the first pixel along rows and columns to the axis of the beam, at 0, 0.
    place = vectors[:, :2] @ -corner[:2] / lengths - 0.5
    inside = bool(np.all(place >= 0) and np.all(place <= np.array(shape) - 1))
    return (float(place[0]), float(place[1])) if inside else None


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


def _whole_numbers(file: ScanFile, key: str) -> Array:
    mask = file.read(key)
    if mask.dtype.kind not in "biu":
        raise ScanError(
            error_text(
                f"'{key}' in {file.path} is an array of {mask.dtype} with shape {mask.shape}",
                expected="a mask of whole numbers, 0 for good pixels",
                hint="data.mask, which takes any mask",
            )
        )
    return mask.astype(np.int64)


def _detector_axes(file: ScanFile, entry: str) -> tuple[Array, Array, str]:
    """Give the directions in which rows and columns grow, in the laboratory, and where they are said.

    Without them the format assumes that both run against the laboratory's axes.
    """
    key = f"{entry}/instrument_1/detector_1/basis_vectors"
    assumed = np.array([0.0, -1.0, 0.0]), np.array([-1.0, 0.0, 0.0])
    if key not in file.hdf5 or file.shape(key) not in {(2, 3), (3, 2)}:
        return *assumed, "x = column, y = row"
    basis = file.hdf5.numbers(key)
    slow, fast = basis if basis.shape == (2, 3) else basis.T
    lengths = np.linalg.norm(slow), np.linalg.norm(fast)
    # Vectors that are no two directions say nothing.
    if not min(lengths) > 0 or abs(slow @ fast) > 0.1 * lengths[0] * lengths[1]:
        return *assumed, "x = column, y = row"
    rows, columns = slow / lengths[0], fast / lengths[1]
    plain = np.allclose(rows, assumed[0]) and np.allclose(columns, assumed[1])
    return rows, columns, "x = column, y = row" if plain else f"the axes of the detector in '{key}'"


def _geometry(file: ScanFile, entry: str) -> Geometry:
    detector, source = f"{entry}/instrument_1/detector_1", f"{entry}/instrument_1/source_1"
    return known_geometry(
        lambda: wavelength_m(file, f"{source}/energy", usual="J", wavelength_key=f"{source}/wavelength"),
        lambda: length_m(file, f"{detector}/distance"),
        lambda: pixel_m(file, f"{detector}/x_pixel_size", f"{detector}/y_pixel_size"),
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
