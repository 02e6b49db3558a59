"""Loss curves over the epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptycho.report.figures.figure import (
    GREY,
    LINED,
    finish_plot,
    line_colours,
    open_figure,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray


_DECADE = 10.0
"""Ratio of largest to smallest loss from which the axis is logarithmic."""


def save_loss(path: Path, history: Mapping[str, Sequence[float]], *, best_epoch: int | None = None) -> None:
    """Draw loss curves over the epochs, validation dashed, the kept epoch marked.

    Args:
        path: PNG file.
        history: Name of a curve -> its value after each epoch; NaN where there is none. Names with
            "val" are drawn as held-out.
        best_epoch: Epoch, counted from 1, whose weights were kept.
    """
    from matplotlib.ticker import MaxNLocator

    figure, grid = open_figure(1, 1, 5.4, 3.0, LINED)
    axes = grid[0, 0]
    curves = {name: np.asarray(values, dtype=np.float64) for name, values in history.items() if len(values)}
    for colour, (name, values) in zip(line_colours(len(curves)), curves.items(), strict=True):
        held_out = "val" in name
        known = np.isfinite(values)
        axes.plot(
            np.arange(1, len(values) + 1)[known],
            values[known],
            label=name,
            color=colour,
            linestyle="--" if held_out else "-",
            marker="o" if known.sum() <= 30 else "",
            markersize=3,
            linewidth=1.4,
        )
    _choose_scale(axes, list(curves.values()))
    if best_epoch is not None:
        axes.axvline(best_epoch, color=GREY, linewidth=0.8, linestyle=":", label=f"kept: epoch {best_epoch}")
    finish_plot(axes, x="epoch", y="loss", title="training")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    write(figure, path)


def _choose_scale(axes: Axes, curves: list[NDArray[np.float64]]) -> None:
    """Take a logarithmic axis when the losses are positive and span a decade."""
    known = np.concatenate([values[np.isfinite(values)] for values in curves] or [np.empty(0)])
    if known.size and known.min() > 0 and known.max() >= _DECADE * known.min():
        axes.set_yscale("log")
