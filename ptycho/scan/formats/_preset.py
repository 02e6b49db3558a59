"""A facility's layout of HDF5 as a few lines: where what lies, and in which unit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.scan.formats._hdf5_values import frame_shape, known_geometry, length_m, pixel_m, wavelength_m
from ptycho.scan.geometry import unit_of_length
from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.scan.geometry import Geometry
    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Place:
    """A number in a file.

    Attributes:
        key: Its dataset, "" for none.
        unit: What it is in, where the dataset does not say it.
    """

    key: str = ""
    unit: str = "m"


@dataclass(frozen=True)
class Positions:
    """Where positions lie.

    Attributes:
        x: Dataset of the columns, or of all positions where `y` is "".
        y: Dataset of the rows; "" where `x` holds one row or column for each.
        rows: Which rows of such a dataset are x and y.
        unit: What they are in, where the dataset does not say it.
        sign: -1 where the sample moves, and the patch the other way.
    """

    x: str
    y: str = ""
    rows: tuple[int, int] = (0, 1)
    unit: str = "um"
    sign: int = 1


@dataclass(frozen=True)
class Preset:
    """Where a facility's files hold what.

    Attributes:
        frames: Datasets of the frames; the first that is there is taken.
        marks: Datasets or groups of which one at least tells such a file from others.
        positions: Where positions lie; None where they are in another file.
        energy: Energy of the photons.
        wavelength: Their wavelength, in place of the energy.
        distance: From sample to detector.
        pixel: Side of a detector pixel, along x and along y.
        quantity: "counts" or "amplitude".
        probe: Dataset of a probe, "" for none.
    """

    frames: tuple[str, ...]
    marks: tuple[str, ...]
    positions: Positions | None = None
    energy: Place = Place()
    wavelength: Place = Place()
    distance: Place = Place()
    pixel: tuple[Place, Place] = (Place(), Place())
    quantity: str = "counts"
    probe: str = ""

    def format_of(self, name: str, layout: str, needs: str = "") -> ScanFormat:
        """Make the format of such files."""
        return ScanFormat(
            name=name,
            layout=layout,
            needs=needs,
            recognise=self._recognise,
            read=self._read,
            header=self._header,
        )

    def _recognise(self, file: ScanFile) -> bool:
        if file.container != "hdf5" or file.hdf5.first(*self.frames) is None:
            return False
        return any(mark in file.hdf5 or file.hdf5.group(mark) for mark in self.marks)

    def _read(self, file: ScanFile, options: ScanOptions) -> ScanContents:
        key = self._frames_key(file)
        contents = ScanContents(
            {"diff3d": file.frames(key)}, key, quantity=self.quantity, geometry=self._geometry(file)
        )
        arrays = dict(contents.arrays)
        if self.probe and self.probe in file.hdf5:
            arrays["probeGuess"] = file.read(self.probe)
        where = self.positions
        if where is None or options.positions:
            return replace(contents, arrays=arrays)
        x, y, unit = _positions(file, where)
        turned = " with both signs changed, for the sample moves" if where.sign < 0 else ""
        named = f"'{where.x}' = column, '{where.y}' = row" if where.y else f"rows {where.rows} of '{where.x}'"
        note = f"positions: {named}, in {unit}{turned}"
        arrays |= {"xcoords": where.sign * x, "ycoords": where.sign * y}
        return replace(contents, arrays=arrays, position_unit=unit, notes=(note,))

    def _header(self, file: ScanFile) -> ScanHeader:
        key = self._frames_key(file)
        return ScanHeader(
            doubt=f"{file.path} holds no probe",
            frame_shape=frame_shape(file, key),
            frames_key=key,
            geometry=self._geometry(file),
        )

    def _frames_key(self, file: ScanFile) -> str:
        return file.hdf5.first(*self.frames) or self.frames[0]

    def _geometry(self, file: ScanFile) -> Geometry:
        beam, x, y = self.energy, *self.pixel
        if self.wavelength.key:
            return known_geometry(
                lambda: length_m(file, self.wavelength.key, usual=self.wavelength.unit),
                lambda: length_m(file, self.distance.key, usual=self.distance.unit),
                lambda: pixel_m(file, x.key, y.key or x.key, usual=x.unit),
            )
        return known_geometry(
            lambda: wavelength_m(file, beam.key, usual=beam.unit) if beam.key else None,
            lambda: length_m(file, self.distance.key, usual=self.distance.unit),
            lambda: pixel_m(file, x.key, y.key or x.key, usual=x.unit),
        )


def _positions(file: ScanFile, where: Positions) -> tuple[Array, Array, str]:
    """Read columns and rows, and the unit that the file names, else the layout's."""
    unit = unit_of_length(file.hdf5.units(where.x) or where.unit)
    if where.y:
        x, y = (file.hdf5.numbers(key).ravel() for key in (where.x, where.y))
        return x, y, unit
    array, lines = file.hdf5.numbers(where.x), 1 + max(where.rows)
    if array.ndim == 2 and array.shape[0] > array.shape[1] >= lines:
        array = array.T
    if array.ndim != 2 or array.shape[0] < lines:
        raise ScanError(
            error_text(
                f"'{where.x}' in {file.path} is an array of {array.dtype} with shape {array.shape}",
                expected=f"({lines} rows or more, frames)",
            )
        )
    return array[where.rows[0]], array[where.rows[1]], unit
