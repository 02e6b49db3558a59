"""A reconstruction beside its reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptycho.report.figures.figure import (
    AMPLITUDE,
    DIVERGING,
    TICKED,
    Extent,
    limits_of,
    open_figure,
    show,
    sides,
    symmetric_limit,
    write,
)
from ptycho.report.figures.phase import flat_phase, show_phase, wrapped

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.physics.arrays import Complex, Mask


def save_comparison(
    path: Path,
    reconstruction: Complex,
    reference: Complex,
    *,
    mask: Mask | None = None,
    origin_px: tuple[float, float] = (0.0, 0.0),
    pixel_size_m: float | None = None,
    reference_name: str = "truth",
) -> None:
    """Draw an aligned reconstruction, its reference and the difference, on the scales of the reference.

    Args:
        path: PNG file.
        reconstruction: Complex picture that :func:`ptycho.metrics.align.align` has aligned, shape (H, W).
        reference: Complex picture of the same shape.
        mask: True where both are known; the rest stays blank.
        origin_px: [x, y] of pixel [0, 0].
        pixel_size_m: Side of a pixel in metres, or None.
        reference_name: "truth" or "reference".
    """
    known = np.ones(reference.shape, dtype=bool) if mask is None else mask
    extent = Extent(origin_px, pixel_size_m)
    moduli = [np.where(known, np.abs(picture), np.nan) for picture in (reconstruction, reference)]
    angle = flat_phase(reference, known)
    turn = np.angle(reconstruction * reference.conj())
    phases = [np.where(known, part, np.nan) for part in (wrapped(angle + turn), angle)]
    gaps = [moduli[0] - moduli[1], np.where(known, turn, np.nan)]
    size = sides(reference.shape[0] / reference.shape[1], 2.8)
    figure, grid = open_figure(2, 3, *size, TICKED)
    for column, title in enumerate(("reconstruction", reference_name)):
        show(
            grid[0, column],
            moduli[column],
            title=f"amplitude, {title}",
            quantity="transmission",
            limits=limits_of(moduli[1]),
            colours=AMPLITUDE,
            extent=extent,
        )
        show_phase(grid[1, column], phases[column], phases[1], title=f"phase, {title}", extent=extent)
    for row, (gap, quantity) in enumerate(zip(gaps, ("transmission", "rad"), strict=True)):
        most = symmetric_limit(gap)
        show(
            grid[row, 2],
            gap,
            title="difference",
            quantity=quantity,
            limits=(-most, most),
            colours=DIVERGING,
            extent=extent,
        )
    write(figure, path)
