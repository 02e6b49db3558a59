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
from ptycho.report.figures.panel import Line, Panel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


FEW = 30
"""Epochs up to which each is marked."""

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
    figure, grid = open_figure(1, 1, 5.4, 3.0, LINED)
    panel = grid[0, 0]
    curves = {name: np.asarray(values, dtype=np.float64) for name, values in history.items() if len(values)}
    for colour, (name, values) in zip(line_colours(len(curves)), curves.items(), strict=True):
        held_out = "val" in name
        known = np.isfinite(values)
        epochs = np.arange(1, len(values) + 1)[known]
        marked = bool(known.sum() <= FEW)
        panel.lines.append(
            Line(epochs, values[known], colour, name, "--" if held_out else "-", marked=marked)
        )
    _choose_scale(panel, list(curves.values()))
    if best_epoch is not None:
        panel.uprights.append((best_epoch, GREY, f"kept: epoch {best_epoch}"))
    finish_plot(panel, x="epoch", y="loss", title="training")
    panel.x.whole = True
    write(figure, path)


def _choose_scale(panel: Panel, curves: list[NDArray[np.float64]]) -> None:
    """Take a logarithmic axis when the losses are positive and span a decade."""
    known = np.concatenate([values[np.isfinite(values)] for values in curves] or [np.empty(0)])
    if known.size and known.min() > 0 and known.max() >= _DECADE * known.min():
        panel.y.logarithmic = True
