"""The other scans of a run: each has its own picture and its own report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.report.figures.object import save_object
from ptycho.report.markdown_text import picture, plain
from ptycho.report.section import ReportSection

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.report.results import Results


def _write(results: Results, folder: Path) -> list[str]:
    blocks = [f"The pictures above are those of {plain(results.scan_name)}."]
    for name, other in results.others.items():
        file = f"object-{name}.png"
        reconstruction = other.reconstruction
        x, y = (float(value) for value in reconstruction.origin_px)
        save_object(
            folder / file,
            reconstruction.object,
            coverage=reconstruction.coverage,
            origin_px=(x, y),
            pixel_size_m=other.scan.object_pixel_m,
        )
        blocks += [picture(file, f"{other.scan_name}: its report is {name}/report.md")]
    return blocks


SECTION = ReportSection(
    heading="Other scans of this run", order=38, write=_write, applies=lambda results: bool(results.others)
)
