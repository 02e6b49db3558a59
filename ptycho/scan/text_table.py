"""A table in a text file, as beamlines, spreadsheets and laboratory programs write it.

What separates columns, which mark stands before decimals, what names the columns and where numbers begin are
told by the rows themselves: the way of reading that gives most rows the same columns of numbers is taken.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ptycho.errors import ScanError
from ptycho.scan.geometry import is_unit, unit_of_length
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["TextTable", "parse_table"]

COMMENT = re.compile(r"\s*(?:#|%|!|//)+")
SPEC_NAMES = re.compile(r"\s*#L\s+(.*)")
"""The line of a SPEC file that names the columns, two spaces apart."""

SPEC_SCAN = re.compile(r"\s*#S\s+\d+")
UNITS_LINE = re.compile(r"\bunits?\b\s*[:=]?\s*[\[(]?([^\W\d_]+)[\])]?\s*$", re.IGNORECASE)
MISSING = ("", "-", "--", "na", "n/a", "#n/a", "nan", "none", "null")
"""What stands for a number that is not there."""

OTHER_UNITS = (*MISSING, "s", "ms", "deg", "counts", "cts", "1")
"""What else stands in a line of units."""

SEEN_LINES = 60
"""Lines at the end of a file that tell how it is written; names and titles stand at its beginning."""

NO_TABLES = "{[<"
"""What JSON and XML begin with: numbers between commas, but no rows."""

LEAST_COLUMNS = 2
NUMBER, WORD, NOTHING = "n", "w", "m"


class TextTable(NamedTuple):
    """Columns of numbers in a text file.

    Attributes:
        values: Shape (rows, columns); NaN where a number is missing. Columns of words are left out.
        names: One a column; none where nothing names them.
        numbers: Which column of the file each is, counted from 1.
        unit: The unit that a line of its own names for all, "" for none.
        notes: How the table was read, where that was no matter of course.
    """

    values: NDArray[np.float64]
    names: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    unit: str = ""
    notes: tuple[str, ...] = ()


class _Dialect(NamedTuple):
    """What stands between columns ("" for any space), and what before decimals."""

    separator: str
    decimal: str = "."

    def cells(self, line: str) -> list[str]:
        if not self.separator:
            return [cell.strip('"') for cell in line.split()]
        if '"' not in line:
            return [cell.strip() for cell in line.strip(" ").split(self.separator)]
        try:
            (cells,) = csv.reader([line.strip(" ")], delimiter=self.separator, skipinitialspace=True)
        except csv.Error:  # A cell beyond the limit of the reader: one word, which makes no table.
            return [line]
        return [cell.strip() for cell in cells]

    def number(self, cell: str) -> float | None:
        """Give a number; None for a word."""
        if self.decimal == ",":
            cell = "" if "." in cell else cell.replace(",", ".")
        try:
            return float(cell) if "_" not in cell else None
        except ValueError:
            return None

    def kinds(self, line: str) -> str:
        """Tell for each cell whether it is a number, a word or nothing."""
        return "".join(self._kind(cell) for cell in self.cells(line))

    def _kind(self, cell: str) -> str:
        if cell.casefold() in MISSING:
            return NOTHING
        return WORD if self.number(cell) is None else NUMBER

    def splits_numbers(self, line: str) -> bool:
        """Tell whether a cell is made of several numbers, so that this is not what separates them."""
        parts = (re.split(r"[,;\s]+", cell) for cell in self.cells(line) if self._kind(cell) == WORD)
        return any(len(found) > 1 and all(self.number(part) is not None for part in found) for found in parts)


DIALECTS = (
    _Dialect(";"), _Dialect(";", ","), _Dialect("\t"), _Dialect("\t", ","), _Dialect(","),
    _Dialect(""), _Dialect("", ","),
)  # fmt: skip
"""In the order in which they are taken where several read as much."""


def parse_table(text: str, path: Path) -> TextTable:
    """Read the columns of numbers of a text, and what names them.

    Args:
        text: The text.
        path: Its file, for the message.

    Raises:
        ScanError: It holds no table, rows differ in length, or a cell is no number where the others are.
    """
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    _refuse_several_scans(lines, path)
    body = [(number, line) for number, line in lines if not COMMENT.match(line)]
    dialect, kinds = _dialect([line for _, line in body[-SEEN_LINES:]])
    if dialect is None or text.lstrip()[:1] in set(NO_TABLES):
        raise _no_table(path)
    columns = [at for at, kind in enumerate(kinds) if kind == NUMBER]
    first = next(at for at, (_, line) in enumerate(body) if dialect.kinds(line) == kinds)
    rows = [_row(dialect, kinds, columns, number, line, path) for number, line in body[first:]]
    values = np.array(rows, np.float64)
    before = [line for number, line in lines if number < body[first][0]]
    names, unit = _names(before, dialect, len(kinds))
    _refuse_commas(before, dialect, kinds, values, path)
    notes = (
        [f"decimals behind commas, columns behind {_WORDS[dialect.separator]}"]
        if dialect.decimal == ","
        else []
    )
    if not names and len(values) in {2, 3} and values.shape[1] > 3:
        notes.append(f"one row of {values.shape[1]} numbers for each axis")
        return TextTable(values.T, (), tuple(range(1, len(values) + 1)), unit, tuple(notes))
    if names and len(columns) < len(kinds):
        words = [names[at] or f"column {at + 1}" for at in range(len(kinds)) if at not in columns]
        notes.append(f"no numbers in {', '.join(words)}")
    named = tuple(names[at] for at in columns) if names else ()
    return TextTable(values, named, tuple(at + 1 for at in columns), unit, tuple(notes))


_WORDS = {";": "semicolons", "\t": "tabs", ",": "commas", "": "spaces"}


def _dialect(lines: Sequence[str]) -> tuple[_Dialect | None, str]:
    """Find how the rows are written: what gives most of them the same two columns of numbers or more."""
    best: tuple[_Dialect | None, str, int] = (None, "", 0)
    for dialect in DIALECTS:
        patterns = Counter(dialect.kinds(line) for line in lines if not dialect.splits_numbers(line))
        usable = {kinds: count for kinds, count in patterns.items() if kinds.count(NUMBER) >= LEAST_COLUMNS}
        for kinds, count in usable.items():
            if count > best[2]:
                best = (dialect, kinds, count)
    return best[:2]


def _row(
    dialect: _Dialect, kinds: str, columns: Sequence[int], number: int, line: str, path: Path
) -> list[float]:
    cells = dialect.cells(line)
    if len(cells) != len(kinds):
        raise _no_table(
            path,
            f": line {number} has {len(cells)} columns, and most have {len(kinds)}",
            f"line {number} of {path.name}: {line[:60]!r}",
        )
    values = [dialect.number(cells[at]) for at in columns]
    missing = [cells[at].casefold() in MISSING for at in columns]
    if any(value is None and not gone for value, gone in zip(values, missing, strict=True)):
        raise ScanError(
            error_text(f"line {number} of {path} holds no numbers: {line[:60]!r}", expected="x, y")
        )
    return [np.nan if value is None else value for value in values]


def _names(before: Sequence[str], dialect: _Dialect, count: int) -> tuple[tuple[str, ...], str]:
    """Find the names of the columns above the numbers, nearest first, and a unit in a line of its own."""
    names: tuple[str, ...] = ()
    unit = ""
    for line in reversed(before):
        spec = SPEC_NAMES.match(line)
        bare = spec.group(1) if spec else COMMENT.sub("", line, count=1).strip()
        stated = UNITS_LINE.search(bare)
        if stated and is_unit(stated.group(1)) and len(bare.split()) <= 3:
            unit = unit or unit_of_length(stated.group(1))
            continue
        cells = _name_cells(bare, dialect, count)
        of_columns = [cell.strip("[]()") for cell in cells]
        lengths = {unit_of_length(cell) for cell in of_columns if is_unit(cell)}
        if len(lengths) == 1 and all(is_unit(cell) or cell.casefold() in OTHER_UNITS for cell in of_columns):
            unit = unit or lengths.pop()
            continue
        names = names or tuple(cells)
    return names, unit


def _name_cells(line: str, dialect: _Dialect, count: int) -> list[str]:
    """Split a line into as many names as there are columns; an empty list where it has no such names."""
    # A name may hold spaces and a unit in brackets.
    joined = re.sub(r"\s+(?=[\[(])", "_", line)
    ways = (dialect.cells(line), re.split(r"\s{2,}|\t", line), joined.split(), re.split(r"\s*[,;]\s*", line))
    for cells in ways:
        bare = [cell.strip() for cell in cells]
        if len(bare) == count and not any(dialect.number(cell) is not None for cell in bare):
            return bare
    return []


def _refuse_commas(
    before: Sequence[str], dialect: _Dialect, kinds: str, values: NDArray[np.float64], path: Path
) -> None:
    """Refuse commas both between columns and before decimals: nothing tells them apart.

    Raises:
        ScanError: A header names half as many columns as whole numbers stand between commas.
    """
    whole = bool(np.all(values == np.rint(values)))
    if dialect.separator == "," and len(kinds) % 2 == 0 and whole and before:
        named = [
            cell for cell in re.split(r"[,;\t]\s*", COMMENT.sub("", before[-1], count=1)) if cell.strip()
        ]
        if 2 * len(named) == len(kinds):
            raise ScanError(
                error_text(
                    f"{path} names {len(named)} columns, and its rows are {len(kinds)} whole numbers between "
                    "commas: these look like decimal commas",
                    expected="semicolons or tabs between columns whose decimals stand behind commas",
                    hint="writing the table with semicolons between the columns",
                )
            )


def _refuse_several_scans(lines: Sequence[tuple[int, str]], path: Path) -> None:
    starts = [number for number, line in lines if SPEC_SCAN.match(line)]
    if len(starts) > 1:
        raise ScanError(
            error_text(
                f"{path} holds {len(starts)} scans of SPEC, at the lines {', '.join(map(str, starts[:8]))}",
                expected="the table of one scan",
                hint="writing the lines of one scan, from its #S on, into a file of their own",
            )
        )


def _no_table(path: Path, why: str = "", place: str = "") -> ScanError:
    return ScanError(
        error_text(
            f"{path} holds no table of positions{why}",
            written_in=place,
            expected="two columns of numbers, x and y, as many rows as frames",
            hint='data.positions = "FILE:X,Y" with the names or numbers of two columns, for a table of more',
        )
    )
