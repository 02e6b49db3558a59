"""The probe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.report.figures.probe import save_probe
from ptycho.report.markdown_text import picture
from ptycho.report.section import ReportSection

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.report.results import Results


FILE_NAME = "probe.png"


def _write(results: Results, folder: Path) -> list[str]:
    save_probe(folder / FILE_NAME, results.reconstruction.probe, pixel_size_m=results.scan.object_pixel_m)
    return [picture(FILE_NAME, "Probe")]


SECTION = ReportSection(heading="Pictures", order=32, write=_write)
