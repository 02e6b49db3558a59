"""Scan positions, with a patch to scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.report.figures.figure import (
    INK,
    SMALL,
    TICKED,
    Extent,
    add_bar,
    label,
    line_colours,
    open_figure,
    tidy,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from ptycho.physics.arrays import Real


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
    axes = grid[0, 0]
    step, unit = Extent(pixel_size_m=pixel_size_m).unit(float(np.ptp(positions, axis=0).max()) + (N or 0))
    at = np.asarray(positions) * step
    size = float(np.clip(4000 / len(at), 0.3, 14))
    if groups is None:
        drawn = axes.scatter(at[:, 0], at[:, 1], c=np.arange(len(at)), s=size, cmap="viridis", linewidths=0)
        add_bar(drawn, axes, "frame")
    for colour, (name, chosen) in zip(line_colours(len(groups or {})), (groups or {}).items(), strict=True):
        part = at[chosen]
        axes.scatter(
            part[:, 0], part[:, 1], s=size, color=colour, linewidths=0, label=f"{name} ({len(part)})"
        )
    if N is not None:
        middle = at[np.argmin(np.linalg.norm(at - at.mean(axis=0), axis=1))]
        _outline(axes, middle - (N // 2 + 0.5) * step, N * step)
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.04)
    axes.invert_yaxis()
    tidy(axes, title=f"{len(at)} scan positions" + ("" if N is None else f", patch of {N} px"))
    label(axes, f"x ({unit})", f"y ({unit})")
    if groups:
        axes.legend(fontsize=SMALL, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    write(figure, path)


def _outline(axes: Axes, corner: NDArray[np.float64], side: float) -> None:
    from matplotlib.patches import Rectangle

    place = (float(corner[0]), float(corner[1]))
    axes.add_patch(Rectangle(place, side, side, fill=False, edgecolor=INK, linewidth=1.0))
