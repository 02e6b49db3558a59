"""Where the beam was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.report.figures.positions import save_positions
from ptycho.report.markdown_text import picture
from ptycho.report.section import ReportSection

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.report.results import Results


FILE_NAME = "positions.png"


def _write(results: Results, folder: Path) -> list[str]:
    scan = results.scan
    positions = results.reconstruction.positions
    save_positions(folder / FILE_NAME, positions, N=scan.N, pixel_size_m=scan.object_pixel_m)
    return [picture(FILE_NAME, "Scan positions")]


SECTION = ReportSection(heading="Pictures", order=34, write=_write)
