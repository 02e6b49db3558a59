"""A scan at one look: mean frame, mask and positions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.report.figures.figure import LINES, TICKED, limits_of, open_figure, show, write
from ptycho.report.figures.panel import Points

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ptycho.physics.arrays import Real


def save_scan(path: Path, mean: Real, mask: NDArray[np.bool_] | None, positions: Real, *, title: str) -> None:
    """Draw what was read of a scan, before anything is computed from it.

    Args:
        path: PNG file.
        mean: Mean intensity of the frames in use, shape (N, N).
        mask: Good pixels, shape (N, N), True = good; None when all are.
        positions: Patch centres [x, y] in pixels, shape (n, 2).
        title: Name of the scan.
    """
    figure, grid = open_figure(1, 3, 2.3, 2.3, TICKED)
    shown, masked, places = grid[0]
    good = np.ones(mean.shape, bool) if mask is None else mask
    logarithm: NDArray[Any] = np.log10(np.where(good, np.maximum(mean, 0.0), np.nan) + 1.0)
    finite = logarithm[np.isfinite(logarithm)]
    limits = (0.0, max(limits_of(finite)[1], 1e-3))
    show(shown, logarithm, title=title, quantity="log10(1 + mean)", limits=limits, colours="magma")
    count = int(np.count_nonzero(~good))
    show(
        masked,
        good.astype(float),
        title=f"{count} masked pixels",
        quantity="1 = good",
        limits=(0.0, 1.0),
        colours="gray",
    )
    places.points.append(Points(np.asarray(positions), LINES[0]))
    places.title, places.equal, places.y.reversed = f"{len(positions)} positions (px)", True, True
    write(figure, path)
