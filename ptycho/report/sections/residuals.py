"""What the picture leaves unexplained, on the detector, on the sample and frame by frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.report.figures.residuals import save_residuals
from ptycho.report.markdown_text import picture
from ptycho.report.section import ReportSection

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.report.results import Results


FILE_NAME = "residuals.png"


def _write(results: Results, folder: Path) -> list[str]:
    verdict = results.verdict
    if verdict is None:
        return []
    residuals = verdict.residuals
    save_residuals(
        folder / FILE_NAME,
        residuals.on_detector,
        residuals.on_sample,
        residuals.of_frames,
        in_photons=residuals.photons is not None,
    )
    return [picture(FILE_NAME, "What the picture leaves unexplained")]


SECTION = ReportSection(heading="Pictures", order=38, write=_write)
