"""An aligned table: setting, value, layer, place."""

from __future__ import annotations

from collections.abc import Iterable

from ptyconf.merge.resolution import Resolution
from ptyconf.merge.trace import Trace
from ptyconf.text.show import MASK, show

HEADINGS = ("setting", "value", "layer", "written in")
WIDEST = 48


def table(resolution: Resolution, paths: Iterable[str] | None = None) -> str:
    """Show settings in aligned columns: path, value, winning layer and place."""
    rows = [_row(resolution.trace(path)) for path in (resolution if paths is None else paths)]
    widths = [max(len(row[column]) for row in (HEADINGS, *rows)) for column in range(len(HEADINGS) - 1)]
    rule = tuple("-" * width for width in (*widths, len(HEADINGS[-1])))
    return "\n".join(_line(row, widths) for row in (HEADINGS, rule, *rows))


def _row(trace: Trace) -> tuple[str, str, str, str]:
    shown = value_of(trace)
    short = shown if len(shown) <= WIDEST else f"{shown[: WIDEST - 4]} ..."
    return trace.path, short, trace.winner.layer, str(trace.winner.origin)


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
    return "  ".join((*cells, row[-1])).rstrip()


def value_of(trace: Trace) -> str:
    """Write the value of a trace; a masked one as it is."""
    return trace.value if trace.value == MASK else show(trace.value)
