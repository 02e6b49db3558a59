"""What one panel of a picture shows, before it becomes pixels: an image, lines, points, and the axes around.

Lengths on the page are inches; values are those of the axes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Dashes = Literal["-", "--", ":", ""]
Ends = tuple[float, float]


class Box(NamedTuple):
    """A rectangle on the page, in inches from its upper left corner."""

    left: float
    top: float
    width: float
    height: float


@dataclass
class Image:
    """A real image with square pixels.

    Attributes:
        values: Shape (H, W); NaN stays blank.
        limits: Values at the ends of the colours.
        colours: Name of a colour map.
        edges: Left, right, bottom and top of the whole, rows growing downwards.
        opacity: 0 to 1 for each pixel, shape (H, W), or None.
    """

    values: NDArray[Any]
    limits: Ends
    colours: str
    edges: tuple[float, float, float, float]
    opacity: NDArray[Any] | None = None


@dataclass
class Bar:
    """A colour bar beside a panel.

    Attributes:
        limits: Values at its ends.
        colours: Name of a colour map.
        quantity: What it measures, with the unit.
        below: Whether values lie below its lower end.
        above: Whether values lie above its upper end.
    """

    limits: Ends
    colours: str
    quantity: str
    below: bool = False
    above: bool = False


@dataclass
class Line:
    """A line through points.

    Attributes:
        x: Abscissae, shape (n,).
        y: Ordinates, shape (n,).
        colour: Of the line.
        name: What the legend calls it; empty for none.
        dashes: Solid, dashed, dotted, or none at all.
        marked: Whether each point has a dot.
        width: In points.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    colour: str
    name: str = ""
    dashes: Dashes = "-"
    marked: bool = False
    width: float = 1.4


@dataclass
class Points:
    """Dots, each in one colour or all in the same.

    Attributes:
        at: Places [x, y], shape (n, 2).
        colours: One colour for all, or red, green and blue of each, shape (n, 3).
        diameter: In points.
        name: What the legend calls them; empty for none.
    """

    at: NDArray[Any]
    colours: str | NDArray[np.uint8]
    diameter: float = 2.0
    name: str = ""


@dataclass
class Axis:
    """One axis of a panel.

    Attributes:
        label: What it measures, with the unit.
        limits: Its ends; None takes what is drawn.
        logarithmic: Whether equal steps are equal factors.
        whole: Whether only whole numbers are named.
        named: Whether it has ticks at all.
        reversed: Whether values grow downwards, or to the left.
    """

    label: str = ""
    limits: Ends | None = None
    logarithmic: bool = False
    whole: bool = False
    named: bool = True
    reversed: bool = False


@dataclass
class Panel:
    """One of the axes of a picture and what is drawn in it.

    Attributes:
        box: Place of the area inside of the axes.
        title: A few words above.
        image: Drawn below all else.
        bar: Colour bar beside it.
        lines: Drawn in their order.
        points: Drawn above the lines.
        uprights: Vertical lines, by place, colour and name; drawn dotted.
        level: Ordinate of a horizontal line, or None.
        square: Corner [x, y] and side of an outlined square, or None.
        equal: Whether a step is as long along x as along y.
        grid: Whether fine lines run from the ticks.
        beside: Whether the legend stands to the right of the panel.
    """

    box: Box
    title: str = ""
    image: Image | None = None
    bar: Bar | None = None
    lines: list[Line] = field(default_factory=list)
    points: list[Points] = field(default_factory=list)
    uprights: list[tuple[float, str, str]] = field(default_factory=list)
    level: float | None = None
    square: tuple[tuple[float, float], float] | None = None
    x: Axis = field(default_factory=Axis)
    y: Axis = field(default_factory=Axis)
    equal: bool = False
    grid: bool = False
    beside: bool = False

    def names(self) -> list[tuple[str, str, Dashes]]:
        """List what the legend says: name, colour, and how it is dashed; points have no line."""
        lines = [(line.name, line.colour, line.dashes) for line in self.lines if line.name]
        dots: list[tuple[str, str, Dashes]] = [
            (points.name, points.colours, "")
            for points in self.points
            if points.name and isinstance(points.colours, str)
        ]
        uprights: list[tuple[str, str, Dashes]] = [
            (name, colour, ":") for _, colour, name in self.uprights if name
        ]
        return lines + dots + uprights

    def ends(self) -> tuple[Ends, Ends]:
        """Give the values at left and right, and at bottom and top, of the panel."""
        if self.image is not None:
            left, right, bottom, top = self.image.edges
            return (left, right), (bottom, top)
        x, y = self._span(self.x, 0), self._span(self.y, 1)
        if self.equal:
            x, y = _widened(x, y, self.box)
        return _turned(x, self.x), _turned(y, self.y)

    def _span(self, axis: Axis, index: int) -> Ends:
        if axis.limits is not None:
            return axis.limits
        drawn = [(line.x, line.y)[index] for line in self.lines] + [dots.at[:, index] for dots in self.points]
        if self.square is not None:
            (corner, side) = self.square
            drawn.append(np.array([corner[index], corner[index] + side]))
        values = np.concatenate([np.asarray(part, np.float64) for part in drawn] or [np.empty(0)])
        values = values[np.isfinite(values) & ((values > 0) | (not axis.logarithmic))]
        if not values.size:
            return (0.1, 1.0) if axis.logarithmic else (0.0, 1.0)
        low, high = float(values.min()), float(values.max())
        if axis.logarithmic:
            room = max(1.05, (high / low) ** _MARGIN)
            return low / room, high * room
        reach = high - low
        room = _MARGIN * reach if reach > 0 else 0.5 * max(abs(high), 1.0) * 0.1
        return low - room, high + room


_MARGIN = 0.05
"""Share of what is drawn that is left free at each end of an axis."""


def _turned(ends: Ends, axis: Axis) -> Ends:
    return (ends[1], ends[0]) if axis.reversed else ends


def _widened(x: Ends, y: Ends, box: Box) -> tuple[Ends, Ends]:
    """Widen one of two spans until a step is as long along both axes."""
    a_unit = max((x[1] - x[0]) / box.width, (y[1] - y[0]) / box.height)
    spans = []
    for (low, high), length in ((x, box.width), (y, box.height)):
        middle, half = (low + high) / 2, a_unit * length / 2
        spans.append((middle - half, middle + half))
    return spans[0], spans[1]
