"""An aligned table: setting, value, layer, place."""

from __future__ import annotations

from collections.abc import Iterable

from ptyconf.merge.resolution import Resolution, expect_resolution
from ptyconf.merge.trace import Entry, Trace
from ptyconf.text.show import show_traced

HEADINGS = ("setting", "value", "layer", "written in")
WIDEST = 48
NARROWEST = 12


def table(resolution: Resolution, paths: Iterable[str] | None = None, *, width: int | None = None) -> str:
    """Show settings in aligned columns: path, value, winning layer and place.

    Args:
        resolution: What to show.
        paths: Settings to show; all if left out.
        width: Longest line; where it is too short for them, places stand on lines of their own.
    """
    expect_resolution("table", resolution)
    rows = [_row(resolution.trace(path)) for path in (resolution if paths is None else paths)]
    widths = [max(len(row[column]) for row in (HEADINGS, *rows)) for column in range(len(HEADINGS) - 1)]
    if width is not None:
        widest = max(len(row[-1]) for row in (HEADINGS, *rows))
        spare = width - widest - 2 * len(widths) - widths[0] - widths[2]
        widths[1] = max(min(widths[1], spare), min(widths[1], NARROWEST))
    rule = tuple("-" * width for width in (*widths, len(HEADINGS[-1])))
    return "\n".join(_line(row, widths, width) for row in (HEADINGS, rule, *rows))


def _row(trace: Trace) -> tuple[str, str, str, str]:
    shown = value_of(trace)
    short = shown if len(shown) <= WIDEST else f"{shown[: WIDEST - 4]} ..."
    return trace.path, short, trace.winner.layer, str(trace.winner.origin)


def _line(row: tuple[str, ...], widths: list[int], longest: int | None) -> str:
    cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
    cells[1] = cells[1] if len(cells[1]) <= widths[1] else f"{cells[1][: widths[1] - 4]} ..."
    line = "  ".join((*cells, row[-1])).rstrip()
    if longest is None or len(line) <= longest:
        return line
    return f"{'  '.join(cells).rstrip()}\n    {row[-1]}"


def value_of(trace: Trace | Entry) -> str:
    """Write the value of a trace, or of one of its entries; a masked one as it is."""
    return show_traced(trace.value)
