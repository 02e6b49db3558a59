"""The object as the network alone made it, where it was refined afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.report.markdown_text import picture
from ptycho.report.section import ReportSection
from ptycho.report.sections._object_picture import save_on_the_scan

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.report.results import Results


FILE_NAME = "network.png"


def _write(results: Results, folder: Path) -> list[str]:
    reconstruction = results.reconstruction
    if reconstruction.network_object is None:
        return []
    save_on_the_scan(folder / FILE_NAME, reconstruction.network_object, results)
    return [picture(FILE_NAME, "What the network alone made of the frames")]


SECTION = ReportSection(heading="Pictures", order=31, write=_write)
