"""Fourier ring correlations and where they end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.report.figures.figure import (
    INK,
    LINED,
    finish_plot,
    line_colours,
    metres,
    open_figure,
    write,
)
from ptycho.report.figures.panel import Line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ptycho.metrics.frc import Frc

_NYQUIST = 0.5


def save_frc(path: Path, curves: Mapping[str, Frc]) -> None:
    """Draw ring correlations, their threshold, and the frequency and size at which they meet.

    Args:
        path: PNG file.
        curves: Name -> curve; all against the same kind of reference.
    """
    figure, grid = open_figure(1, 1, 5.4, 3.2, LINED)
    panel = grid[0, 0]
    for colour, (name, item) in zip(line_colours(len(curves)), curves.items(), strict=True):
        panel.lines.append(Line(item.frequency, item.curve, colour, f"{name}: {_reach(item)}"))
        if 0.0 < item.crossing < _NYQUIST:
            panel.uprights.append((item.crossing, colour, ""))
    first = next(iter(curves.values()))
    rule = "half-bit threshold" if first.against == "half" else "threshold 0.5"
    panel.lines.append(Line(first.frequency, first.threshold, INK, rule, "--", width=0.9))
    panel.level, panel.x.limits = 0.0, (0.0, _NYQUIST)
    panel.y.limits = (min(-0.1, *(float(item.curve.min()) for item in curves.values())), 1.05)
    finish_plot(panel, x="spatial frequency (cycles/px)", y="correlation", title="Fourier ring correlation")
    write(figure, path)


def _reach(curve: Frc) -> str:
    """Say in a few words where a curve ends."""
    if curve.crossing >= _NYQUIST:
        return "above the threshold to the last ring"
    if curve.crossing == 0.0:
        return "below the threshold from the first ring"
    size = curve.resolution_m
    half = f"{curve.resolution_px:.2f} px" if size is None else metres(size)
    return f"{curve.crossing:.3f} cycles/px, half period {half}"
