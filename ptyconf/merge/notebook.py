"""A resolution as a notebook shows it: what somebody wrote first, defaults folded, each with what it beat."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from ptyconf.text.show import show_traced

if TYPE_CHECKING:
    from ptyconf.merge.resolution import Resolution
    from ptyconf.merge.trace import Entry, Trace

_HEADINGS = ("setting", "value", "layer", "written in", "instead of")


def to_html(resolution: Resolution) -> str:
    """Lay out every setting in tables, secrets masked, every text of unknown origin escaped."""
    traces = [resolution.trace(path) for path in resolution]
    written = [trace for trace in traces if trace.winner.origin.kind != "defaults"]
    defaults = [trace for trace in traces if trace.winner.origin.kind == "defaults"]
    heading = f"<b>{escape(resolution.schema.name)}</b>: {len(written)} of {len(traces)} settings are written"
    folded = f"<details><summary>{len(defaults)} defaults</summary>{_table(defaults)}</details>"
    return f"<div>{heading}{_table(written)}{folded if defaults else ''}</div>"


def _table(traces: Iterable[Trace]) -> str:
    heading = "".join(f"<th style='text-align:left'>{name}</th>" for name in _HEADINGS)
    rows = "".join(
        "<tr>" + "".join(f"<td style='text-align:left'>{cell}</td>" for cell in _cells(trace)) + "</tr>"
        for trace in traces
    )
    return f"<table><thead><tr>{heading}</tr></thead><tbody>{rows}</tbody></table>"


def _cells(trace: Trace) -> tuple[str, ...]:
    winner = trace.winner
    place = f"derived by {trace.derivation.function}" if trace.derivation else str(winner.origin)
    losers = "<br>".join(f"{_value(entry.value)} {escape(_place(entry))}" for entry in trace.losers)
    return (
        f"<code>{escape(trace.path)}</code>",
        _value(trace.value),
        escape(winner.layer),
        escape(place),
        losers,
    )


def _place(entry: Entry) -> str:
    return f"{entry.layer}: {entry.origin}"


def _value(value: object) -> str:
    return f"<code>{escape(show_traced(value))}</code>"
