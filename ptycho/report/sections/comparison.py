"""The final picture beside the reference in the scan file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.report.figures.comparison import save_comparison
from ptycho.report.markdown_text import picture
from ptycho.report.section import ReportSection, has_reference

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.report.results import Results


FILE_NAME = "comparison.png"


def _write(results: Results, folder: Path) -> list[str]:
    final = next(iter(results.comparisons.values()))
    save_comparison(
        folder / FILE_NAME,
        final.reconstruction,
        final.reference,
        mask=final.mask,
        pixel_size_m=results.scan.object_pixel_m,
        reference_name=results.reference_name,
    )
    return [picture(FILE_NAME, f"Reconstruction, {results.reference_name} and difference")]


SECTION = ReportSection(heading="Pictures", order=35, write=_write, applies=has_reference)
