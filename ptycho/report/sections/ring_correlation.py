"""How far into the fine detail the pictures agree with the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.report.figures.ring_correlation import save_frc
from ptycho.report.markdown_text import picture
from ptycho.report.section import ReportSection, has_reference

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.report.results import Results


FILE_NAME = "frc.png"


def _write(results: Results, folder: Path) -> list[str]:
    curves = {name: comparison.ring_correlation for name, comparison in results.comparisons.items()}
    save_frc(folder / FILE_NAME, curves)
    return [picture(FILE_NAME, f"Fourier ring correlation against the {results.reference_name}")]


SECTION = ReportSection(heading="Pictures", order=36, write=_write, applies=has_reference)
