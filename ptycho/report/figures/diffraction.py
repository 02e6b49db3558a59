"""Measured frames beside predicted ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ptycho.report.figures.figure import (
    BARE,
    DIVERGING,
    LOGARITHMIC,
    limits_of,
    open_figure,
    show,
    symmetric_limit,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ptycho.physics.arrays import Mask, Real


def save_diffraction(
    path: Path,
    measured: Real,
    predicted: Real,
    *,
    frame_indices: Sequence[int] | NDArray[np.int64] | None = None,
    mask: Mask | None = None,
) -> None:
    """Draw measured and predicted counts on one logarithmic scale, and their difference in sqrt(counts).

    Args:
        path: PNG file.
        measured: Measured amplitudes in sqrt(counts), shape (m, N, N) or (N, N).
        predicted: Predicted amplitudes in sqrt(counts), same shape.
        frame_indices: Which frames these are.
        mask: True at good pixels, shape (N, N); bad ones stay blank.
    """
    ours, theirs = (a[None] if a.ndim == 2 else a for a in (measured, predicted))
    names = list(range(len(ours))) if frame_indices is None else [int(index) for index in frame_indices]
    figure, grid = open_figure(len(ours), 3, 2.3, 2.3, BARE)
    for row, name in zip(range(len(ours)), names, strict=True):
        good = np.ones(ours[row].shape, dtype=bool) if mask is None else mask
        pair = [np.where(good, _log_counts(a[row]), np.nan) for a in (ours, theirs)]
        ends = (0.0, max(limits_of(pair[0], (0.0, 99.99))[1], 0.5))
        for panel, image, title in zip(
            grid[row], pair, (f"frame {name}: measured", "predicted"), strict=False
        ):
            show(panel, image, title=title, quantity="log₁₀(counts + 1)", limits=ends, colours=LOGARITHMIC)
        gap = np.where(good, theirs[row] - ours[row], np.nan)
        most = symmetric_limit(gap, 99.9)
        show(
            grid[row, 2],
            gap,
            title="predicted - measured",
            quantity="√counts",
            limits=(-most, most),
            colours=DIVERGING,
        )
    write(figure, path)


def _log_counts(amplitude: Real) -> Real:
    counts: Real = np.log10(np.square(amplitude, dtype=np.float64) + 1.0)
    return counts
