"""What the HDF5 formats read in the same way: numbers with units, masks, positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ptycho.errors import ScanError
from ptycho.scan.geometry import (
    LENGTHS_M,
    Fact,
    Geometry,
    energy_ev,
    photon_wavelength_m,
    unit_of_length,
)
from ptycho.scan.scan_format import ScanHeader
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from ptycho.scan.scan_file import ScanFile

Array = np.ndarray[Any, Any]
T = TypeVar("T")

LENGTHS_OF_EXPERIMENTS_M = {"distance": (1e-4, 100.0), "detector pixel": (1e-8, 1e-2)}
"""What can be, from electron microscopes to the longest beamlines."""


def length_m(file: ScanFile, *keys: str, usual: str = "m") -> Fact | None:
    """Read the first of some lengths that is there, in metres.

    Args:
        file: The file.
        keys: Where it may be.
        usual: Its unit where the dataset has no attribute "units".

    Raises:
        ScanError: It is no number, not above zero, or its unit is unknown.
    """
    key = file.hdf5.first(*keys)
    if key is None:
        return None
    value = file.hdf5.number(key)
    factor = unit_factor(file, key, usual)
    if value is None or not np.isfinite(value) or value == 0:
        return None
    # Some facilities count the distance from the other end: its sign says nothing about a far field.
    return Fact(abs(value) * factor, f"{file.path}:/{key}")


def wavelength_m(file: ScanFile, *energy_keys: str, usual: str, wavelength_key: str = "") -> Fact | None:
    """Read the wavelength of photons, given itself or by their energy.

    Args:
        file: The file.
        energy_keys: Where the energy may be.
        usual: Its unit where the dataset has no attribute "units".
        wavelength_key: Where the wavelength itself may be, which is then taken.

    Raises:
        ScanError: It is no number, or no photons have it.
    """
    if wavelength_key and wavelength_key in file.hdf5:
        return length_m(file, wavelength_key)
    key = file.hdf5.first(*energy_keys)
    value = None if key is None else file.hdf5.number(key)
    if key is None or value is None:
        return None
    where = f"'{key}' in {file.path}"
    energy = energy_ev(value, file.hdf5.units(key), where, usual)
    return Fact(photon_wavelength_m(energy), f"{file.path}:/{key}")


@dataclass(frozen=True)
class Pixel:
    """Height and width of a detector pixel in metres, and where a file says them."""

    height_m: float
    width_m: float
    origin: str


def pixel_m(file: ScanFile, x_key: str, y_key: str, *, usual: str = "m") -> Pixel | None:
    """Read height and width of a detector pixel; a square where the file says one of them."""
    x, y = length_m(file, x_key, usual=usual), length_m(file, y_key, usual=usual)
    one = y or x
    if one is None:
        return None
    return Pixel((y or one).value, (x or one).value, one.origin)


def known_geometry(
    wavelength: Callable[[], Fact | None] | None = None,
    distance: Callable[[], Fact | None] | None = None,
    pixel: Callable[[], Pixel | Fact | None] | None = None,
) -> Geometry:
    """Read what a file says of the geometry; what it says and cannot mean is a doubt, not an error.

    The settings may know better, and positions in pixels do without.
    """
    doubts: list[str] = []

    def believed(look: Callable[[], T] | None) -> T | None:
        try:
            return None if look is None else look()
        except ScanError as error:
            doubts.append(str(error).partition("\n")[0])
            return None

    def plausible(fact: Fact | None, what: str) -> Fact | None:
        doubt = "" if fact is None else _doubt_of_length(fact, what)
        doubts.extend([doubt] if doubt else [])
        return None if doubt else fact

    wave, way = believed(wavelength), plausible(believed(distance), "distance")
    one: Pixel | Fact | None = believed(pixel)
    if one is None:
        return Geometry(wave, way, doubts=tuple(doubts))
    shape = Pixel(one.value, one.value, one.origin) if isinstance(one, Fact) else one
    # Those of a square are doubted once.
    sides = dict.fromkeys(Fact(side, shape.origin) for side in (shape.height_m, shape.width_m))
    known = [plausible(side, "detector pixel") for side in sides]
    geometry = Geometry(wave, way, doubts=tuple(doubts))
    return geometry if None in known else geometry.with_pixel(shape.height_m, shape.width_m, shape.origin)


def _doubt_of_length(fact: Fact, what: str) -> str:
    """Say why a length cannot be in the unit that it was taken for, "" where it can."""
    least, most = LENGTHS_OF_EXPERIMENTS_M[what]
    if least <= fact.value <= most:
        return ""
    middle = np.sqrt(least * most)
    likely = min(LENGTHS_M, key=lambda unit: abs(np.log10(fact.value * LENGTHS_M[unit] / middle)))
    return f"the {what} {fact.origin} is {fact.value:g} m: the number looks like {likely}"


def position_columns(file: ScanFile, key: str, columns: int) -> Array:
    """Read positions of shape (n, columns), also where they are stored (columns, n).

    Raises:
        ScanError: They have another shape.
    """
    array = file.hdf5.numbers(key)
    if array.ndim == 2 and array.shape[1] == columns:
        return array
    if array.ndim == 2 and array.shape[0] == columns:
        return array.T
    raise ScanError(
        error_text(
            f"'{key}' in {file.path} has shape {array.shape}",
            expected=f"({columns} columns): one row a frame",
        )
    )


def unit_factor(file: ScanFile, key: str, usual: str = "m") -> float:
    """Give the size in metres of the unit that a dataset's attribute "units" names.

    Raises:
        ScanError: The unit is unknown.
    """
    named = file.hdf5.units(key) or usual
    factor = LENGTHS_M.get(unit_of_length(named))
    if factor is None:
        raise ScanError(
            error_text(f"'{key}' in {file.path} is in '{named}'", expected=", ".join(sorted(LENGTHS_M)))
        )
    return factor


def minority(marked: Array, key: str) -> tuple[Array, list[str]]:
    """Take a mask's marks for bad pixels, or for good ones where most pixels have them.

    Programs differ on what a mark means, whatever a format says; no detector is mostly blind.

    Args:
        marked: True where a pixel is marked.
        key: What the mask is called.

    Returns:
        Bad pixels, True = bad, and what is to be said.
    """
    if 2 * np.count_nonzero(marked) <= marked.size:
        return marked, []
    return ~marked, [f"'{key}' marks more than half of the pixels: the marks are those of good ones"]


def require_arrays(file: ScanFile, group: str, names: tuple[str, ...], expected: str) -> None:
    """Refuse a group that lacks an array.

    Raises:
        ScanError: An array is missing; says what the file holds.
    """
    for name in names:
        if f"{group}/{name}" not in file.hdf5:
            raise ScanError(
                error_text(
                    f"there is no '{group}/{name}' in {file.path}",
                    expected=expected,
                    known=file.hdf5.shown_keys(),
                )
            )


def frame_without_probe(file: ScanFile, frames_key: str, geometry: Geometry) -> ScanHeader:
    """Give the header of a file that holds no probe: the side of a frame, and the geometry."""
    return ScanHeader(
        doubt=f"{file.path} holds no probe",
        frame_shape=frame_shape(file, frames_key),
        frames_key=frames_key,
        geometry=geometry,
    )


def frame_shape(file: ScanFile, key: str) -> tuple[int, int]:
    """Read rows and columns of a frame."""
    rows, columns = file.shape(key)[-2:]
    return rows, columns
