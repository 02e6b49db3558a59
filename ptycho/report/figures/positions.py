"""Scan positions, with a patch to scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.files.colours import colours_of
from ptycho.report.figures.figure import (
    TICKED,
    Extent,
    line_colours,
    open_figure,
    write,
)
from ptycho.report.figures.panel import Axis, Bar, Points

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from ptycho.physics.arrays import Real


ORDER = "viridis"
"""Colours of the frames, first to last."""

FILLED, DIAMETERS = 4000.0, (0.55, 3.7)
"""Dots become smaller with their number, between two diameters in points."""

WIDE = TICKED._replace(right=2.0)
"""Room for the names of groups."""


def save_positions(
    path: Path,
    positions: Real,
    *,
    N: int | None = None,
    groups: Mapping[str, NDArray[Any]] | None = None,
    pixel_size_m: float | None = None,
) -> None:
    """Draw the scan positions in the order of the frames, or in named groups, with one patch to scale.

    Args:
        path: PNG file.
        positions: Patch centres [x, y] in pixels, shape (n, 2).
        N: Patch side, drawn as a square around the innermost position.
        groups: Name -> indices or mask of positions, such as training and test.
        pixel_size_m: Side of a pixel in metres, or None.
    """
    figure, grid = open_figure(1, 1, 4.0, 3.8, WIDE if groups else TICKED)
    panel = grid[0, 0]
    step, unit = Extent(pixel_size_m=pixel_size_m).unit(float(np.ptp(positions, axis=0).max()) + (N or 0))
    at = np.asarray(positions) * step
    size = float(np.clip(np.sqrt(FILLED / len(at)), *DIAMETERS))
    if groups is None:
        order, last = np.arange(len(at)), max(1, len(at) - 1)
        shades = colours_of(order, (0, last), ORDER)[:, :3]
        panel.points.append(Points(at, shades, size))
        panel.bar = Bar((0, last), ORDER, "frame")
    for colour, (name, chosen) in zip(line_colours(len(groups or {})), (groups or {}).items(), strict=True):
        part = at[chosen]
        panel.points.append(Points(part, colour, size, f"{name} ({len(part)})"))
    if N is not None:
        middle = at[np.argmin(np.linalg.norm(at - at.mean(axis=0), axis=1))]
        x, y = (middle - (N // 2 + 0.5) * step).tolist()
        panel.square = ((x, y), N * step)
    panel.equal, panel.beside = True, True
    panel.title = f"{len(at)} scan positions" + ("" if N is None else f", patch of {N} px")
    panel.x, panel.y = Axis(f"x ({unit})"), Axis(f"y ({unit})", reversed=True)
    write(figure, path)
