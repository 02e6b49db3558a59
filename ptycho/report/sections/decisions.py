"""What scan, training and reconstruction decided, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.report.markdown_text import bullets
from ptycho.report.section import ReportSection

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.report.results import Results


def _write(results: Results, _folder: Path) -> list[str]:
    training = () if results.training is None else results.training.decisions
    sentences = [*results.scan.decisions, *training, *results.reconstruction.notes]
    return [bullets(sentences)] if sentences else []


SECTION = ReportSection(heading="What was decided on the way", order=40, write=_write)
