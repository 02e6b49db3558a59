"""The reconstructed object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.report.markdown_text import picture
from ptycho.report.section import ReportSection
from ptycho.report.sections._object_picture import save_on_the_scan

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.report.results import Results


FILE_NAME = "object.png"


def _write(results: Results, folder: Path) -> list[str]:
    reconstruction = results.reconstruction
    save_on_the_scan(folder / FILE_NAME, reconstruction.object, results)
    return [picture(FILE_NAME, "Reconstructed object: amplitude and phase")]


SECTION = ReportSection(heading="Pictures", order=30, write=_write)
