"""What a section of a report is; the registry finds one in each module of `sections`, or in a plugin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ptycho.report.results import Results


def always(_results: Results) -> bool:
    """Say that a section tells something of every result."""
    return True


def has_reference(results: Results) -> bool:
    """Say that a section tells something where a picture could be compared with a reference."""
    return bool(results.comparisons)


@dataclass(frozen=True)
class ReportSection:
    """A part of a report, as the constant ``SECTION`` of its module.

    Attributes:
        heading: What stands above it; neighbours with one heading share it, and "" stands for none.
        order: Its place on the page.
        write: Writes its files into a folder and gives its blocks of Markdown.
        applies: Whether it has something to tell of results.
    """

    heading: str
    order: int
    write: Callable[[Results, Path], Sequence[str]]
    applies: Callable[[Results], bool] = always
