"""What the sections have in common that show an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.report.figures.object import save_object

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.physics.arrays import Complex
    from ptycho.report.results import Results


def save_on_the_scan(path: Path, picture: Complex, results: Results) -> None:
    """Draw an object where it lies in the scan's coordinates, as far as the scan covers it."""
    x, y = (float(value) for value in results.reconstruction.origin_px)
    save_object(
        path,
        picture,
        coverage=results.reconstruction.coverage,
        origin_px=(x, y),
        pixel_size_m=results.scan.object_pixel_m,
    )
