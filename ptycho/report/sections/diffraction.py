"""Some frames as they were measured and as the picture predicts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.report.figures.diffraction import save_diffraction
from ptycho.report.markdown_text import picture
from ptycho.report.section import ReportSection

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.report.results import Results


FILE_NAME = "diffraction.png"


def _write(results: Results, folder: Path) -> list[str]:
    reconstruction = results.reconstruction
    save_diffraction(
        folder / FILE_NAME,
        reconstruction.measured,
        reconstruction.predicted,
        frame_indices=reconstruction.frame_indices,
        mask=results.scan.mask,
    )
    return [picture(FILE_NAME, "Measured and predicted diffraction, logarithmic")]


SECTION = ReportSection(heading="Pictures", order=33, write=_write)
