"""Which columns of a table are positions: by their names, and where these are missing by their numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ptycho.errors import ScanError
from ptycho.scan.geometry import LENGTHS_M, is_unit, unit_of_length
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ptycho.scan.text_table import TextTable

__all__ = ["ChosenColumns", "choose_columns", "in_one_unit", "pairs_of_names", "unit_in_name"]

UNIT_SUFFIX = re.compile(r"(?<![\s_/\[(])[\s_/]*+[\[(]?\s*([^\W\d_]+)\s*[\])]?$")
"""The end of a name that may say its unit: "x_um", "x (um)", "X [µm]", "x/mm"."""

MEASURED = {
    "rbv",
    "readback",
    "rb",
    "measured",
    "meas",
    "actual",
    "act",
    "encoder",
    "enc",
    "avg",
    "average",
    "mean",
}
ASKED = {
    "set",
    "setpoint",
    "sp",
    "target",
    "nominal",
    "nom",
    "demand",
    "cmd",
    "command",
    "requested",
    "request",
}
NO_POSITIONS = {"std", "stdev", "sigma", "err", "error", "rms", "vel", "velocity", "speed"}
AXES = (
    ("column", "row"), ("columns", "rows"), ("col", "row"), ("cols", "rows"), ("horizontal", "vertical"),
    ("hor", "ver"), ("hor", "vert"), ("h", "v"),
)  # fmt: skip
"""Words for x and y, in this order."""

STAGE_COLUMNS = ("average_x", "average_y")
"""Names of the measured columns in LYNX's files begin so; the stage moves the sample: both signs change."""

KINDS = ("measured", "", "asked for")
"""In the order in which they are taken: what was measured says where the beam was."""


class ChosenColumns(NamedTuple):
    """Positions among the columns of a table.

    Attributes:
        x: Columns of the picture, shape (rows,).
        y: Rows of the picture.
        unit: Their unit, "" where nothing says it.
        note: Which columns they are, and which others could be meant.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    unit: str
    note: str


class _Pair(NamedTuple):
    x: int
    y: int
    kind: str


def choose_columns(table: TextTable, where: str, wanted: Sequence[str] = ()) -> ChosenColumns:
    """Find x and y in a table.

    Args:
        table: The table.
        where: What it is called, for the note and the message.
        wanted: Names or numbers (from 1) of the columns of x and y; none lets names and numbers tell.

    Raises:
        ScanError: There are no such columns.
    """
    bare = [_without_unit(name) for name in table.names]
    if wanted:
        pair, why = _wanted(table, bare, where, wanted), ""
    else:
        pair, why = _by_name(table, bare, where) or _by_numbers(table, where)
    names = [table.names[at] if table.names else str(table.numbers[at]) for at in pair[:2]]
    own = [unit_in_name(table.names[at]) if table.names else "" for at in pair[:2]]
    values, unit = in_one_unit([table.values[:, at] for at in pair[:2]], [one or table.unit for one in own])
    sign = 1.0
    if bare and all(bare[at].startswith(axis) for at, axis in zip(pair[:2], STAGE_COLUMNS, strict=True)):
        sign, unit, why = -1.0, unit or "um", f" both negated, in {unit or 'um'}{why}"
    how = "".join(f"; {note}" for note in table.notes)
    note = f"positions: {where}, columns {names[0]}, {names[1]}{why}{how}"
    return ChosenColumns(sign * values[0], sign * values[1], unit, note)


def pairs_of_names(names: Sequence[str]) -> list[tuple[str, str]]:
    """List the names that differ by the axis alone, x first, and may be positions."""
    return [
        (first, second)
        for first in names
        for second in names
        if first != second and _are_axes(first.lower(), second.lower()) and _kind(first.lower()) in KINDS
    ]


def _counts_rows(column: NDArray[np.float64]) -> bool:
    """Tell whether a column numbers the rows: whole numbers that grow by one."""
    return len(column) > 2 and bool(np.all(column == np.rint(column)) and np.all(np.diff(column) == 1))


def _wanted(table: TextTable, bare: Sequence[str], where: str, wanted: Sequence[str]) -> _Pair:
    places = []
    for name in wanted:
        known = [at for at, full in enumerate(table.names) if name.casefold() in {full.casefold(), bare[at]}]
        known = known or [at for at, number in enumerate(table.numbers) if name == str(number)]
        if len(known) != 1 or len(wanted) != 2:
            named = table.names or [str(number) for number in table.numbers]
            raise ScanError(
                error_text(
                    f"there is no column {name!r} in {where}"
                    if len(wanted) == 2
                    else f"{len(wanted)} columns of {where} are named",
                    expected="two columns, x and y, by their names or their numbers from 1 on",
                    known=", ".join(named),
                    hint=f'data.positions = "{where}:{named[0]},{named[1]}"',
                )
            )
        places.append(known[0])
    return _Pair(places[0], places[1], "")


def _by_name(table: TextTable, bare: Sequence[str], where: str) -> tuple[_Pair, str] | None:
    places = {name: at for at, name in enumerate(bare)}
    pairs = [_Pair(places[x], places[y], _kind(x)) for x, y in pairs_of_names(bare)]
    if not pairs:
        return None
    best = min(pairs, key=lambda pair: (KINDS.index(pair.kind), bare[pair.x] != "x"))
    others = "".join(
        f'; data.positions = "{where}:{table.names[pair.x]},{table.names[pair.y]}" takes '
        f"{'those ' + pair.kind if pair.kind else 'others'}"
        for pair in pairs
        if pair != best
    )
    kind = f", the {'measured ones' if best.kind == 'measured' else 'ones ' + best.kind}" if best.kind else ""
    return best, kind + others


def _by_numbers(table: TextTable, where: str) -> tuple[_Pair, str]:
    """Take the first two columns, or those behind one that numbers the rows."""
    count = table.values.shape[1]
    first = 0
    if (
        count > 2
        and _counts_rows(table.values[:, 0])
        and bool(np.all(np.ptp(table.values[:, 1:3], axis=0) > 0))
    ):
        first = 1
    skipped = f", x and y: column {table.numbers[0]} numbers the rows" if first else ", x and y"
    last = f"{table.numbers[-2]},{table.numbers[-1]}"
    more = count > first + 2 and bool(np.any(np.ptp(table.values[:, -1:], axis=0) > 0))
    others = f'; data.positions = "{where}:{last}" takes the last two' if more else ""
    return _Pair(first, first + 1, ""), f"{skipped}{others}; data.swap_xy = true where they are y, x"


def _are_axes(first: str, second: str) -> bool:
    """Tell whether two names differ by the axis alone: "samx" and "samy", "row" and "col"."""
    if len(first) == len(second):
        apart = [at for at, (one, other) in enumerate(zip(first, second, strict=True)) if one != other]
        if len(apart) == 1 and (first[apart[0]], second[apart[0]]) == ("x", "y"):
            return True
    return any(re.sub(rf"(?<![a-z]){x}(?![a-z])", y, first) == second and first != second for x, y in AXES)


def _kind(name: str) -> str:
    """Tell whether a name says that its numbers were measured, asked for, or are no positions at all."""
    words = {part for word in re.split(r"[^a-zµμ]+", name) for part in (word, word[1:], word[:-1])}
    if words & NO_POSITIONS:
        return "none"
    return "measured" if words & MEASURED else "asked for" if words & ASKED else ""


def _without_unit(name: str) -> str:
    """Give a name in small letters without its unit."""
    bare, _ = _name_and_unit(name)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", bare.strip()).lower()


def _name_and_unit(name: str) -> tuple[str, str]:
    """Part a name from the unit at its end, "" for none."""
    match = UNIT_SUFFIX.search(name)
    if match and match.start() > 0 and is_unit(match.group(1)):
        return name[: match.start()], unit_of_length(match.group(1))
    return name, ""


def in_one_unit(
    values: list[NDArray[np.float64]], units: Sequence[str]
) -> tuple[list[NDArray[np.float64]], str]:
    """Give x and y in one unit: metres where they say different ones.

    Args:
        values: x and y.
        units: The unit of each, "" where nothing says it.
    """
    named = {unit for unit in units if unit}
    if len(named) <= 1:
        return values, "".join(named)
    if all(unit in LENGTHS_M for unit in units):
        return [value * LENGTHS_M[unit] for value, unit in zip(values, units, strict=True)], "m"
    return values, ""


def unit_in_name(name: str) -> str:
    """Give the unit at the end of a name, "" for none."""
    return _name_and_unit(name)[1]
