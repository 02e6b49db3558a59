"""The drawing that all pictures share: axes in pixels or metres, colour bars, one look, whole files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptycho.files.atomic import replacing
from ptycho.report.figures.panel import Axis, Bar, Box, Image, Panel

if TYPE_CHECKING:
    from pathlib import Path

INK = "#333333"
GREY = "#9a9a9a"
LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
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
        """Give left, right, bottom, top of a picture, rows growing downwards, and the unit."""
        step, unit = self.unit(max(shape))
        x, y = self.origin_px
        left, top = (x - 0.5) * step, (y - 0.5) * step
        return (left, left + shape[1] * step, top + shape[0] * step, top), unit


@dataclass
class Figure:
    """Panels on a page.

    Attributes:
        width: Of the page, in inches.
        height: Of the page, in inches.
        panels: What stands on it.
    """

    width: float
    height: float
    panels: list[Panel] = field(default_factory=list)


def open_figure(rows: int, columns: int, width: float, height: float, room: Room) -> tuple[Figure, Grid]:
    """Open a page with panels of one size.

    Args:
        rows: Panels below each other.
        columns: Panels beside each other.
        width: Inside of each of the panels, in inches.
        height: Inside of each of the panels, in inches.
        room: What stands around each.

    Returns:
        The page and its panels, shape (rows, columns).
    """
    across, down = width + room.left + room.right, height + room.above + room.below
    page = Figure(columns * across, rows * down)
    grid = np.empty((rows, columns), object)
    for row, column in np.ndindex(rows, columns):
        panel = Panel(Box(column * across + room.left, row * down + room.above, width, height))
        page.panels.append(panel)
        grid[row, column] = panel
    return page, grid


def sides(aspect: float, width: float) -> tuple[float, float]:
    """Give width and height in inches for a picture of an aspect, height for each unit of width."""
    height = min(aspect, TALLEST) * width
    return height / aspect, height


def show(
    panel: Panel,
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
        panel: Where to draw.
        image: Values, shape (H, W).
        title: A few words above.
        quantity: What is drawn, with its unit, beside the colour bar.
        limits: Values at the two ends of the colour bar; arrows mark values beyond them.
        colours: Name of a colour map.
        extent: Place and pixel size; None hides the axes' ticks.
    """
    edges, unit = (extent or Extent()).edges(image.shape)
    below, above = _beyond(image, limits)
    panel.title = title
    panel.image = Image(image, limits, colours, edges)
    panel.bar = Bar(limits, colours, quantity, below, above)
    if extent is None:
        panel.x, panel.y = Axis(named=False), Axis(named=False)
    else:
        panel.x, panel.y = Axis(f"x ({unit})"), Axis(f"y ({unit})")


def finish_plot(panel: Panel, *, x: str, y: str, title: str) -> None:
    """Give a plot of lines its grid, its labels and its title."""
    panel.grid = True
    panel.title, panel.x.label, panel.y.label = title, x, y


def line_colours(count: int) -> list[str]:
    """Give a colour for each line; more than there are colours come round again."""
    return [LINES[index % len(LINES)] for index in range(count)]


def write(figure: Figure, path: Path) -> None:
    """Save as PNG under a temporary name, then rename; the same figure gives the same bytes.

    Raises:
        OSError: The folder cannot be written.
    """
    # Pillow and its fonts are loaded when something is drawn.
    from ptycho.report.figures.raster import DPI, rasterise

    page = rasterise(figure.width, figure.height, figure.panels)
    with replacing(path) as temporary:
        # Stronger compression takes as long as all of the drawing, for a tenth of the bytes.
        page.save(temporary, "PNG", compress_level=1, dpi=(DPI, DPI))


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


def _beyond(image: NDArray[Any], limits: tuple[float, float]) -> tuple[bool, bool]:
    """Tell whether values lie below and above limits."""
    known = image[np.isfinite(image)]
    if not known.size:
        return False, False
    return bool(known.min() < limits[0]), bool(known.max() > limits[1])
