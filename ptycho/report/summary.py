"""``report.md``: one page that tells what a run did, how good it is, and where its settings came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ptycho.files.atomic import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ptyconf import Resolution


@dataclass(frozen=True)
class Summary:
    """What goes on the page.

    Attributes:
        title: One line.
        facts: Label and text of what was measured, in order.
        scores: Label and text of each score; empty when there is nothing to compare with.
        judged_against: What the scores compare with, one sentence; empty without scores.
        notes: What was decided on the way, one sentence each.
        pictures: Caption by file name, in order.
    """

    title: str
    facts: Mapping[str, str]
    scores: Mapping[str, str] = field(default_factory=dict)
    judged_against: str = ""
    notes: Sequence[str] = ()
    pictures: Mapping[str, str] = field(default_factory=dict)


def write_report(path: Path, summary: Summary, resolution: Resolution) -> None:
    """Write the page as Markdown; the file appears whole or not at all.

    Args:
        path: The file to write; pictures are linked relative to its folder.
        summary: What goes on the page.
        resolution: The settings of the run; those that somebody set are listed with what they beat.

    Raises:
        OSError: The folder cannot be written.
    """
    parts = [f"# {summary.title}", _two_columns("", summary.facts)]
    if summary.scores:
        parts += ["## Scores", summary.judged_against, _two_columns("score", summary.scores)]
    if summary.pictures:
        parts += ["## Pictures", *(f"![{caption}]({name})" for name, caption in summary.pictures.items())]
    if summary.notes:
        parts += ["## What was decided on the way", "\n".join(f"- {note}" for note in summary.notes)]
    parts += [
        "## Where the settings came from",
        "Every setting that is not a default; `provenance.json` has them all.",
        settings_table(resolution),
    ]
    write_text(path, "\n\n".join(part for part in parts if part) + "\n")


def settings_table(resolution: Resolution) -> str:
    """List every setting that is not a default: value, origin, and what it beat."""
    rows = ["| setting | value | from | instead of |", "|---|---|---|---|"]
    for path in resolution:
        trace = resolution.trace(path)
        if trace.winner.origin.kind == "defaults":
            continue
        beaten = trace.losers[0] if trace.losers else None
        instead = "" if beaten is None else f"{beaten.value!r} from {beaten.origin}"
        origin = f"derived by {trace.derivation.function}" if trace.derivation else str(trace.winner.origin)
        rows.append(f"| `{path}` | `{_cell(trace.value)}` | {_cell(origin)} | {_cell(instead)} |")
    return "\n".join(rows)


def _two_columns(heading: str, rows: Mapping[str, str]) -> str:
    lines = [
        f"| {heading} | |",
        "|---|---|",
        *(f"| {label} | {_cell(text)} |" for label, text in rows.items()),
    ]
    return "\n".join(lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
