"""Positions of a scan in every arrangement that files have, and those that lie in a file of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.files.foreign import require_regular
from ptycho.files.npy import read_npy
from ptycho.files.number_text import numbers_of
from ptycho.files.numbered_names import matching_names
from ptycho.files.text import read_text
from ptycho.scan.geometry import Fact, Geometry, photon_wavelength_m, positive_fact, unit_of_length
from ptycho.scan.named_arrays import ARCHIVES, names_in, place_named
from ptycho.scan.position_columns import choose_columns, in_one_unit, pairs_of_names, unit_in_name
from ptycho.scan.scan_file import ScanFile, open_scan
from ptycho.scan.text_table import TextTable, parse_table
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "PRODUCT_KEYS",
    "PositionTable",
    "attribute_fact",
    "product_geometry",
    "raster_positions",
    "read_positions",
    "read_product",
]

Array = np.ndarray[Any, Any]

PRODUCT_KEYS = ("probe_position_x_m", "probe_position_y_m")
TABLES = (".csv", ".txt", ".dat", ".tsv")
SHOWN_TABLES = 8
MOST_COLUMNS = 64
"""Wider arrays are pictures and no lists of positions."""

PRODUCT_NUMBERS = "probe_position_indexes"
PRODUCT_ENERGIES = ("photon_energy_eV", "probe_energy_eV")
"""What the energy is called from version 1.7 on, and before."""


@dataclass(frozen=True)
class PositionTable:
    """Positions that lie in a file of their own.

    Attributes:
        x: Columns, shape (n,).
        y: Rows, shape (n,).
        unit: Their unit, "" where nothing says it.
        note: Where they come from, in one sentence.
        numbers: Which frame each belongs to, shape (n,), or None for the same order.
        geometry: What the file says of the experiment.
        axes: Whether x and y are two arrays, which may be the points and the lines of a raster.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    unit: str
    note: str
    numbers: NDArray[np.int64] | None = None
    geometry: Geometry = field(default_factory=Geometry)
    axes: bool = False


def raster_positions(
    x: Array, y: Array, frames: tuple[int, ...], what: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give one position a frame, for a list of frames or a raster of lines and points.

    Args:
        x: Columns: one a frame in any shape, or one a point of a line.
        y: Rows: one a frame in any shape, or one a line.
        frames: Axes that count the frames: (n,) or (lines, points).
        what: What they are called, for the message.

    Raises:
        ScanError: They fit no arrangement.
    """
    n = int(np.prod(frames))
    one_axis_each = x.ndim == y.ndim == 1 and len(x) * len(y) == n and n not in {len(x), len(y)}
    if one_axis_each:
        lines_are_x = len(frames) == 2 and frames == (len(x), len(y)) and len(x) != len(y)
        if lines_are_x:
            x, y = (axis.ravel() for axis in np.meshgrid(x, y, indexing="ij"))
        else:
            y, x = (axis.ravel() for axis in np.meshgrid(y, x, indexing="ij"))
    elif x.shape != y.shape:
        raise ScanError(
            error_text(
                f"{what} have the shapes {x.shape} and {y.shape}",
                expected=f"one of each for the frames {frames}, or one a line and one a point of it",
            )
        )
    return x.astype(np.float64).ravel(), y.astype(np.float64).ravel()


def tables_near(scan: Path) -> list[str]:
    """List files that may be tables of positions, in the current folder and beside a scan file."""
    folders = dict.fromkeys(folder for folder in (Path(), scan.parent) if folder.is_dir())
    files = (item for folder in folders for item in sorted(folder.iterdir()))
    return [str(item) for item in files if item.suffix.lower() in TABLES and item.is_file()][:SHOWN_TABLES]


def read_positions(text: str, scan: ScanFile) -> PositionTable:
    """Read the positions that a setting names.

    Args:
        text: A file of two columns, a product of ptychodus, "file:key" of an array (n, 2) with the columns
            x, y, "file:x_key,y_key" for two arrays, or one of the latter without a file for the scan file.
        scan: The scan file.

    Raises:
        ScanError: There is no such file or key, or it holds no positions.
    """
    path, key = place_named(text, scan)
    file = scan if path is None else open_scan(path)
    if path is None and file.container not in ARCHIVES:
        raise _no_positions(text, scan, "there is no such file", known=", ".join(tables_near(scan.path)))
    if file.container == "text":
        return _read_text(file.path, names_in(key, ()))
    if file.container == "npy":
        return _from_pairs(read_npy(file.path), str(file.path), "")
    if file.container not in ARCHIVES:
        raise _no_positions(text, scan, f"{file.path} is {file.kind}")
    if not key and all(name in file.keys for name in PRODUCT_KEYS):
        return read_product(file)
    names, columns = _named_arrays(key, file)
    unknown = [name for name in names if matching_names(name, file.keys)[0] not in file.keys]
    if unknown or not names:
        what = (
            f"there is no '{unknown[0]}' in {file.path}" if unknown else f"{file.path} is named without a key"
        )
        raise _no_positions(text, scan, what, known=file.shown_keys, hint=_pair_of_keys(file))
    if len(names) == 2:
        return _from_two_arrays(file, names)
    return _from_pairs(file.read(names[0]), f"{file.path}:{names[0]}", _unit(file, names[0]), columns)


def _named_arrays(key: str, file: ScanFile) -> tuple[list[str], list[str]]:
    """Tell the arrays that are named from columns of one: "X,Y", "TABLE", "TABLE:X,Y"."""
    names = names_in(key, file.keys)
    table, colon, columns = key.rpartition(":")
    if colon and table in file.keys and not all(name in file.keys for name in names):
        return [table], names_in(columns, ())
    return names, []


def _from_two_arrays(file: ScanFile, names: list[str]) -> PositionTable:
    """Take x and y from two arrays, each in its own unit: one of each a frame, or one a line and one a point.

    Raises:
        ScanError: They hold no numbers.
    """
    values = [_values(file, name) for name in names]
    (x, y), unit = in_one_unit(values, [_unit(file, name) or unit_in_name(name) for name in names])
    return PositionTable(x, y, unit, f"positions: '{names[0]},{names[1]}' of {file.path}", axes=True)


def _values(file: ScanFile, name: str) -> NDArray[np.float64]:
    """Read the numbers of an array, or of many that differ by a number alone: "frame_*/x"."""
    parts = matching_names(name, file.keys)
    return np.concatenate([numbers_of(file.read(one), f"'{one}' in {file.path}").ravel() for one in parts])


def _unit(file: ScanFile, name: str) -> str:
    if file.container != "hdf5":
        return ""
    return unit_of_length(file.hdf5.units(matching_names(name, file.keys)[0]))


def _pair_of_keys(file: ScanFile) -> str:
    """Give the setting that names two arrays whose names differ by the axis alone, "" where none do."""
    pair = next((pair for pair in pairs_of_names(file.keys)), None)
    return "" if pair is None else f'data.positions = "{file.path}:{pair[0]},{pair[1]}"'


def _from_pairs(array: Array, where: str, unit: str, wanted: Sequence[str] = ()) -> PositionTable:
    """Choose two columns of an array, or two fields of a table of records."""
    if array.dtype.names is not None:
        return _from_records(array, where, unit, wanted)
    pairs = array.T if array.ndim == 2 and array.shape[0] in {2, 3} and array.shape[1] > 3 else array
    widths = {2, 3} if not wanted else set(range(2, MOST_COLUMNS))
    if pairs.ndim != 2 or pairs.shape[1] not in widths or pairs.dtype.kind not in "iufOSU":
        raise ScanError(
            error_text(
                f"the positions {where} are an array of {array.dtype} with shape {array.shape}",
                expected="(frames, 2): x and y of each frame",
                hint=f'data.positions = "{where}:1,2" names two columns'
                if pairs.ndim == 2 and 3 < pairs.shape[1] < MOST_COLUMNS
                else "",
            )
        )
    numbers = tuple(range(1, 1 + pairs.shape[1]))
    table = TextTable(numbers_of(pairs, f"the array {where}"), numbers=numbers, unit=unit)
    chosen = choose_columns(table, where, wanted)
    return PositionTable(chosen.x, chosen.y, chosen.unit, chosen.note)


def _from_records(array: Array, where: str, unit: str, wanted: Sequence[str]) -> PositionTable:
    """Choose two fields of a table of records by their names."""
    records = array.ravel()
    names = tuple(
        name
        for name in records.dtype.names or ()
        if records[name].ndim == 1 and records.dtype[name].kind in "iuf"
    )
    if len(names) < 2:
        raise ScanError(
            error_text(f"the positions {where} are records of {array.dtype}", expected="two numbers in each")
        )
    values = np.column_stack([records[name].astype(np.float64) for name in names])
    chosen = choose_columns(TextTable(values, names, tuple(range(1, 1 + len(names))), unit), where, wanted)
    return PositionTable(chosen.x, chosen.y, chosen.unit, chosen.note)


def read_product(file: ScanFile) -> PositionTable:
    """Read the positions of a product of ptychodus, and which pattern each belongs to."""
    x, y = (np.asarray(file.read(key), np.float64).ravel() for key in PRODUCT_KEYS)
    numbers = file.read(PRODUCT_NUMBERS).astype(np.int64).ravel() if PRODUCT_NUMBERS in file.keys else None
    note = f"positions: the product {file.path}, matched by index"
    return PositionTable(x, y, "m", note, numbers, product_geometry(file))


def product_geometry(file: ScanFile) -> Geometry:
    """Read wavelength and distance of a product: attributes of an HDF5 file, or arrays of an NPZ file."""
    energy = _product_fact(file, *PRODUCT_ENERGIES)
    wavelength = None if energy is None else Fact(photon_wavelength_m(energy.value), energy.origin)
    return Geometry(wavelength, _product_fact(file, "detector_object_distance_m"))


def _product_fact(file: ScanFile, *names: str) -> Fact | None:
    for name in names:
        if file.container == "hdf5":
            fact = attribute_fact(file, "", name)
        elif name in file.keys:
            fact = positive_fact(file.read(name), f"{file.path}:{name}")
        else:
            fact = None
        if fact is not None:
            return fact
    return None


def attribute_fact(file: ScanFile, key: str, name: str) -> Fact | None:
    """Read a number above zero from an attribute of an HDF5 file; None where there is none."""
    return positive_fact(np.asarray(file.hdf5.attribute(key, name)), f"{file.path}:/{key}@{name}")


def _read_text(path: Path, wanted: list[str]) -> PositionTable:
    """Read columns of numbers; their names and unit stand above them, where there are any."""
    require_regular(path)
    table = parse_table(read_text(path), path)
    chosen = choose_columns(table, str(path), wanted)
    return PositionTable(chosen.x, chosen.y, chosen.unit, chosen.note)


def _no_positions(text: str, scan: ScanFile, why: str, known: str = "", hint: str = "") -> ScanError:
    return ScanError(
        error_text(
            f'data.positions = "{text}" names no positions: {why}',
            expected="a file of two columns, a product file, or FILE:KEY with an array of shape (frames, 2)",
            known=known,
            hint=hint
            or f"a table beside {scan.path.name} or in this folder, or FILE:X_KEY,Y_KEY for two arrays",
        )
    )
