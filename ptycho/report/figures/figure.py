"""The drawing that all pictures share: axes in pixels or metres, colour bars, one look, whole files.

Figures are made without pyplot: no global state, no window, safe in threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptycho.files.atomic import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

DPI = 160
SMALL, NORMAL = 8.0, 9.5
"""Font sizes in points: ticks and units; titles."""

INK = "#333333"
GREY = "#9a9a9a"
LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Line colours that stay apart for colour-blind readers (Okabe and Ito)."""

AMPLITUDE, CYCLIC, DIVERGING, LOGARITHMIC = "gray", "twilight_shifted", "RdBu_r", "inferno"
"""Colour maps: transmissions; angles that run in a circle; differences and small phases; counts."""

TALLEST = 4.0
"""Height of a picture for each unit of its usual width; what is taller becomes narrower."""

Grid = NDArray[np.object_]


class Room(NamedTuple):
    """Inches around axes, for titles, ticks, labels and a colour bar."""

    left: float
    right: float
    below: float
    above: float


TICKED = Room(0.62, 0.92, 0.46, 0.3)
BARE = Room(0.1, 0.82, 0.08, 0.3)
LINED = Room(0.75, 0.2, 0.5, 0.35)
"""Room of images with axes, of images without, and of plots of lines."""

BAR_GAP, BAR_WIDTH = 0.07, 0.11
"""Inches between an image and its colour bar, and across the bar."""

_UNITS = ((1e-9, "nm"), (1e-6, "µm"), (1e-3, "mm"), (1.0, "m"))


@dataclass(frozen=True)
class Extent:
    """Where a picture lies: pixel [0, 0] at ``origin_px``, pixels of ``pixel_size_m``, or of unit size."""

    origin_px: tuple[float, float] = (0.0, 0.0)
    pixel_size_m: float | None = None

    def unit(self, length_px: float) -> tuple[float, str]:
        """Give the length of a pixel on the axis, and the unit that suits a picture of this size."""
        if self.pixel_size_m is None:
            return 1.0, "px"
        fitting = [unit for unit in _UNITS if length_px * self.pixel_size_m >= unit[0]]
        size, name = fitting[-1] if fitting else _UNITS[0]
        return self.pixel_size_m / size, name

    def edges(self, shape: tuple[int, ...]) -> tuple[tuple[float, float, float, float], str]:
        """Give left, right, bottom, top as matplotlib wants them, rows growing downwards, and the unit."""
        step, unit = self.unit(max(shape))
        x, y = self.origin_px
        left, top = (x - 0.5) * step, (y - 0.5) * step
        return (left, left + shape[1] * step, top + shape[0] * step, top), unit


def open_figure(rows: int, columns: int, width: float, height: float, room: Room) -> tuple[Figure, Grid]:
    """Open a white figure with axes of one size.

    Sizes are fixed: a layout engine draws all texts once more to measure them, which doubled the time that a
    report takes.

    Args:
        rows: Axes below each other.
        columns: Axes beside each other.
        width: Of each of the axes, in inches.
        height: Of each of the axes, in inches.
        room: What stands around each.

    Returns:
        The figure and its axes, shape (rows, columns).
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    across, down = width + room.left + room.right, height + room.above + room.below
    whole = (columns * across, rows * down)
    figure = Figure(figsize=whole, dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    grid = np.empty((rows, columns), object)
    for row, column in np.ndindex(rows, columns):
        left, bottom = column * across + room.left, (rows - 1 - row) * down + room.below
        place = (left / whole[0], bottom / whole[1], width / whole[0], height / whole[1])
        grid[row, column] = figure.add_axes(place)
    return figure, grid


def sides(aspect: float, width: float) -> tuple[float, float]:
    """Give width and height in inches for a picture of an aspect, height for each unit of width."""
    height = min(aspect, TALLEST) * width
    return height / aspect, height


def show(
    axes: Axes,
    image: NDArray[Any],
    *,
    title: str,
    quantity: str,
    limits: tuple[float, float],
    colours: str,
    extent: Extent | None = None,
) -> None:
    """Draw a real image with square pixels, a colour bar and labelled axes; NaN stays blank.

    Args:
        axes: Where to draw.
        image: Values, shape (H, W).
        title: A few words above.
        quantity: What is drawn, with its unit, beside the colour bar.
        limits: Values at the two ends of the colour bar; arrows mark values beyond them.
        colours: Name of a colour map.
        extent: Place and pixel size; None hides the axes' ticks.
    """
    edges, unit = (extent or Extent()).edges(image.shape)
    drawn = axes.imshow(
        image, cmap=colours, vmin=limits[0], vmax=limits[1], extent=edges, interpolation="nearest"
    )
    add_bar(drawn, axes, quantity, extend=_beyond(image, limits))
    tidy(axes, title=title)
    if extent is None:
        axes.set_xticks([])
        axes.set_yticks([])
    else:
        label(axes, f"x ({unit})", f"y ({unit})")


def add_bar(drawn: ScalarMappable, axes: Axes, quantity: str, *, extend: str = "neither") -> None:
    """Put a thin colour bar beside the axes, its quantity along it."""
    figure, box = axes.figure, axes.get_position()
    inch = figure.dpi / figure.bbox.width
    beside = figure.add_axes((box.x1 + BAR_GAP * inch, box.y0, BAR_WIDTH * inch, box.height))
    bar = figure.colorbar(drawn, cax=beside, extend=extend, extendfrac=0.03)
    bar.set_label(quantity, fontsize=SMALL, color=INK)
    bar.ax.tick_params(labelsize=SMALL, colors=INK, width=0.5, length=3)
    bar.outline.set_linewidth(0.5)


def label(axes: Axes, x: str, y: str) -> None:
    """Name both axes, units included."""
    axes.set_xlabel(x, fontsize=SMALL, color=INK)
    axes.set_ylabel(y, fontsize=SMALL, color=INK)


def tidy(axes: Axes, *, title: str) -> None:
    """Give axes the common look: thin lines, small ticks, a plain title."""
    axes.set_title(title, fontsize=NORMAL, color=INK)
    axes.tick_params(labelsize=SMALL, colors=INK, width=0.5, length=3)
    for spine in axes.spines.values():
        spine.set_linewidth(0.5)
        spine.set_color(INK)


def finish_plot(axes: Axes, *, x: str, y: str, title: str) -> None:
    """Give a plot of lines its grid, its labels and its legend."""
    axes.grid(visible=True, color="#dddddd", linewidth=0.5)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    tidy(axes, title=title)
    label(axes, x, y)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=SMALL, frameon=False)


def line_colours(count: int) -> list[str]:
    """Give a colour for each line; more than there are colours come round again."""
    return [LINES[index % len(LINES)] for index in range(count)]


def write(figure: Figure, path: Path) -> None:
    """Save as PNG under a temporary name, then rename; the same figure gives the same bytes.

    Raises:
        OSError: The folder cannot be written.
    """
    with replacing(path) as temporary:
        # Stronger compression takes as long as all of the drawing, for a tenth of the bytes.
        figure.savefig(
            temporary, format="png", dpi=DPI, metadata={"Software": None}, pil_kwargs={"compress_level": 1}
        )


def metres(length_m: float) -> str:
    """Write a length in the unit that suits it, to three digits."""
    fitting = [unit for unit in _UNITS if length_m >= unit[0]]
    size, name = fitting[-1] if fitting else _UNITS[0]
    return f"{length_m / size:.3g} {name}"


def limits_of(values: NDArray[Any], percentiles: tuple[float, float] = (0.5, 99.5)) -> tuple[float, float]:
    """Find colour limits that a few odd pixels do not move; a constant gets room on both sides."""
    known = values[np.isfinite(values)]
    if not known.size:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(known, percentiles))
    room = 1e-6 * max(abs(low), abs(high), 1e-12)
    return (low, high) if high - low > room else (low - 0.5 * abs(low) - 1e-3, high + 0.5 * abs(high) + 1e-3)


def symmetric_limit(values: NDArray[Any], percentile: float = 99.5) -> float:
    """Find the modulus that all but a few values stay below."""
    known = np.abs(values[np.isfinite(values)])
    return max(float(np.percentile(known, percentile)), 1e-12) if known.size else 1.0


def _beyond(image: NDArray[Any], limits: tuple[float, float]) -> str:
    known = image[np.isfinite(image)]
    if not known.size:
        return "neither"
    below, above = known.min() < limits[0], known.max() > limits[1]
    return {(True, True): "both", (True, False): "min", (False, True): "max"}.get(
        (bool(below), bool(above)), "neither"
    )
