"""Names that differ by a number alone: one array a frame, "images/0", "images/1" and so on."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Series", "matching_names", "series_of", "shown_names"]

DIGITS = re.compile(r"\d+")

FEWEST = 4
"""Fewer names that differ by a number are told one by one."""


class Series(NamedTuple):
    """Names that differ by one number.

    Attributes:
        pattern: The names with "*" in the place of the number.
        names: All of them, in the order of their numbers.
    """

    pattern: str
    names: tuple[str, ...]


def series_of(names: Sequence[str]) -> list[Series]:
    """Gather the names that differ by one number alone; a name of several series stands in the longest."""
    by_pattern: dict[str, list[str]] = {}
    for name in names:
        for run in DIGITS.finditer(name):
            by_pattern.setdefault(f"{name[: run.start()]}*{name[run.end() :]}", []).append(name)
    gathered: list[Series] = []
    taken: set[str] = set()
    for pattern, members in sorted(by_pattern.items(), key=lambda item: -len(item[1])):
        free = [name for name in members if name not in taken]
        if len(free) >= FEWEST:
            taken.update(free)
            gathered.append(Series(pattern, tuple(sorted(free, key=_by_number))))
    return gathered


def shown_names(names: Sequence[str]) -> dict[str, Series | None]:
    """List names in their order, of each series the first alone, with the series that it stands for."""
    series = {name: one for one in series_of(names) for name in one.names}
    return {name: series.get(name) for name in names if name not in series or name == series[name].names[0]}


def matching_names(pattern: str, names: Sequence[str]) -> list[str]:
    """List the names that a pattern with "*" fits, in the order of their numbers; a name fits alone."""
    if pattern in names or "*" not in pattern:
        return [pattern]
    # Brackets are letters of a name here.
    fitting = [name for name in names if fnmatchcase(name, pattern.replace("[", "[[]"))]
    return sorted(fitting, key=_by_number) or [pattern]


def _by_number(name: str) -> list[tuple[str, int]]:
    words, numbers = DIGITS.split(name), [int(run) for run in DIGITS.findall(name)]
    return list(zip(words, [*numbers, -1], strict=True))
