"""Drawings of numbers against numbers: losses, scan positions, ring correlations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.report.figure import (
    GREY,
    INK,
    LINES,
    SMALL,
    Extent,
    add_bar,
    label,
    metres,
    new_figure,
    tidy,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from ptycho.metrics.frc import Frc
    from ptycho.physics.arrays import Real

_NYQUIST = 0.5
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

    figure = new_figure(6.4, 3.8)
    axes = figure.subplots()
    curves = {name: np.asarray(values, dtype=np.float64) for name, values in history.items() if len(values)}
    for colour, (name, values) in zip(_colours(len(curves)), curves.items(), strict=True):
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
    _finish(axes, x="epoch", y="loss", title="training")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    write(figure, path)


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
    figure = new_figure(5.6, 4.6)
    axes = figure.subplots()
    step, unit = Extent(pixel_size_m=pixel_size_m).unit(float(np.ptp(positions, axis=0).max()) + (N or 0))
    at = np.asarray(positions) * step
    size = float(np.clip(4000 / len(at), 0.3, 14))
    if groups is None:
        drawn = axes.scatter(at[:, 0], at[:, 1], c=np.arange(len(at)), s=size, cmap="viridis", linewidths=0)
        add_bar(drawn, axes, "frame")
    for colour, (name, chosen) in zip(_colours(len(groups or {})), (groups or {}).items(), strict=True):
        part = at[chosen]
        axes.scatter(
            part[:, 0], part[:, 1], s=size, color=colour, linewidths=0, label=f"{name} ({len(part)})"
        )
    if N is not None:
        middle = at[np.argmin(np.linalg.norm(at - at.mean(axis=0), axis=1))]
        _outline(axes, middle - (N // 2 + 0.5) * step, N * step)
    axes.set_aspect("equal")
    axes.margins(0.04)
    axes.invert_yaxis()
    tidy(axes, title=f"{len(at)} scan positions" + ("" if N is None else f", patch of {N} px"))
    label(axes, f"x ({unit})", f"y ({unit})")
    if groups:
        axes.legend(fontsize=SMALL, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    write(figure, path)


def save_frc(path: Path, curves: Mapping[str, Frc]) -> None:
    """Draw ring correlations, their threshold, and the frequency and size at which they meet.

    Args:
        path: PNG file.
        curves: Name -> curve; all against the same kind of reference.
    """
    figure = new_figure(6.4, 4.0)
    axes = figure.subplots()
    for colour, (name, item) in zip(_colours(len(curves)), curves.items(), strict=True):
        axes.plot(item.frequency, item.curve, color=colour, linewidth=1.4, label=f"{name}: {_reach(item)}")
        if 0.0 < item.crossing < _NYQUIST:
            axes.axvline(item.crossing, color=colour, linewidth=0.8, linestyle=":")
    first = next(iter(curves.values()))
    rule = "half-bit threshold" if first.against == "half" else "threshold 0.5"
    axes.plot(first.frequency, first.threshold, color=INK, linewidth=0.9, linestyle="--", label=rule)
    axes.axhline(0.0, color=GREY, linewidth=0.6)
    axes.set_xlim(0.0, _NYQUIST)
    axes.set_ylim(min(-0.1, *(float(item.curve.min()) for item in curves.values())), 1.05)
    _finish(axes, x="spatial frequency (cycles/px)", y="correlation", title="Fourier ring correlation")
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


def _choose_scale(axes: Axes, curves: list[NDArray[np.float64]]) -> None:
    """Take a logarithmic axis when the losses are positive and span a decade."""
    known = np.concatenate([values[np.isfinite(values)] for values in curves] or [np.empty(0)])
    if known.size and known.min() > 0 and known.max() >= _DECADE * known.min():
        axes.set_yscale("log")


def _finish(axes: Axes, *, x: str, y: str, title: str) -> None:
    axes.grid(visible=True, color="#dddddd", linewidth=0.5)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    tidy(axes, title=title)
    label(axes, x, y)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=SMALL, frameon=False)


def _outline(axes: Axes, corner: NDArray[np.float64], side: float) -> None:
    from matplotlib.patches import Rectangle

    place = (float(corner[0]), float(corner[1]))
    axes.add_patch(Rectangle(place, side, side, fill=False, edgecolor=INK, linewidth=1.0))


def _colours(count: int) -> list[str]:
    return [LINES[index % len(LINES)] for index in range(count)]
