"""Every setting that is not a default: value, origin, and what it beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.report.markdown_text import cell
from ptycho.report.section import ReportSection
from ptyconf.report.table import value_of

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.report.results import Results
    from ptyconf import Resolution


def _write(results: Results, _folder: Path) -> list[str]:
    return [
        "Every setting that is not a default; `provenance.json` has them all.",
        settings_table(results.resolution),
    ]


def settings_table(resolution: Resolution) -> str:
    """List every setting that is not a default: value, origin, and what it beat."""
    rows = ["| setting | value | from | instead of |", "|---|---|---|---|"]
    for path in resolution:
        trace = resolution.trace(path)
        if trace.winner.origin.kind == "defaults":
            continue
        loser = trace.losers[0] if trace.losers else None
        instead = "" if loser is None else f"{value_of(loser)} from {loser.origin}"
        origin = f"derived by {trace.derivation.function}" if trace.derivation else str(trace.winner.origin)
        rows.append(f"| `{path}` | `{cell(value_of(trace))}` | {cell(origin)} | {cell(instead)} |")
    return "\n".join(rows)


SECTION = ReportSection(heading="Where the settings came from", order=50, write=_write)
