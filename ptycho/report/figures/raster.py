"""Panels become pixels: Pillow draws.

Matplotlib would draw these pictures, too: importing it and drawing the seven of a report took 5.0 of the 10.8
processor seconds of a reconstruction of 900 frames.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image
from PIL import ImageDraw, ImageFont

from ptycho.files.colours import colour_map, colours_of
from ptycho.report.figures.panel import Axis, Bar, Box, Dashes, Ends, Line, Panel, Points
from ptycho.report.figures.ticks import Tick, linear_ticks, logarithmic_ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

DPI = 160
SMALL, NORMAL = 8.0, 9.5
"""Font sizes in points: ticks and units; titles."""

FONT = Path(__file__).with_name("font") / "DejaVuSans.ttf"
"""Latin, Greek, Cyrillic and signs of DejaVu Sans: Pillow's own font has no root, no minus and no micro."""

INK = "#333333"
GRID = "#dddddd"
_POINTS = 72
"""Points of an inch."""

FINER = 3
"""Lines and dots are drawn so many times as large, and made smaller: Pillow's own edges are not smooth."""

TICK, GAP = 0.022, 0.03
"""Inches of a tick, and between it and its text."""

TICKS_PER_INCH = {"across": 2.0, "along": 2.6}
BAR_GAP, BAR_WIDTH, BAR_END = 0.07, 0.11, 0.07
"""Inches between an image and its colour bar, across the bar, and of the arrow at its end."""

_DASHES: dict[Dashes, tuple[float, float]] = {"--": (0.05, 0.03), ":": (0.012, 0.022)}
"""Inches drawn and left out."""


def rasterise(width: float, height: float, panels: Sequence[Panel]) -> PIL.Image.Image:
    """Draw panels on a white page, lengths in inches."""
    page = PIL.Image.new("RGB", (_pixels(width), _pixels(height)), "white")
    for panel in panels:
        _draw(page, panel)
    return page


def _draw(page: PIL.Image.Image, panel: Panel) -> None:
    x_ends, y_ends = panel.ends()
    if panel.image is not None:
        _draw_image(page, panel)
    ticks = {"x": _ticks(panel.x, x_ends, panel.box.width, "across"),
             "y": _ticks(panel.y, y_ends, panel.box.height, "along")}  # fmt: skip
    if panel.image is None:
        _draw_curves(page, panel, x_ends, y_ends, ticks)
    _frame(page, panel.box, open_sides=panel.grid)
    pen = ImageDraw.Draw(page)
    _write_axes(page, pen, panel, (x_ends, y_ends), ticks)
    if panel.bar is not None:
        _draw_bar(page, pen, panel.box, panel.bar)
    if panel.names():
        _draw_legend(page, panel, x_ends, y_ends)


def _draw_image(page: PIL.Image.Image, panel: Panel) -> None:
    image = panel.image
    if image is None:
        return
    coloured = colours_of(image.values, image.limits, image.colours)
    if image.opacity is not None:
        coloured[..., 3] = (coloured[..., 3] * np.clip(image.opacity, 0, 1)).astype(np.uint8)
    left, top, right, bottom = _corners(panel.box)
    small = PIL.Image.fromarray(coloured)
    large = small.resize((right - left, bottom - top), PIL.Image.Resampling.NEAREST)
    page.paste(large, (left, top), large)


def _draw_curves(
    page: PIL.Image.Image, panel: Panel, x_ends: Ends, y_ends: Ends, ticks: dict[str, list[Tick]]
) -> None:
    """Draw grid, lines and dots of the inside of a panel, larger than they will be."""
    left, top, right, bottom = _corners(panel.box)
    size = ((right - left) * FINER, (bottom - top) * FINER)
    area = PIL.Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(area)

    def place(x: Any, y: Any) -> NDArray[np.float64]:
        across = _share(np.asarray(x, np.float64), x_ends, panel.x) * size[0]
        down = (1 - _share(np.asarray(y, np.float64), y_ends, panel.y)) * size[1]
        return np.stack([across, down], axis=-1)

    if panel.grid:
        for tick in ticks["x"]:
            _stroke(pen, place([tick.value] * 2, y_ends), GRID, 0.5)
        for tick in ticks["y"]:
            _stroke(pen, place(x_ends, [tick.value] * 2), GRID, 0.5)
    if panel.level is not None:
        _stroke(pen, place(x_ends, [panel.level] * 2), "#9a9a9a", 0.6)
    for at, colour, _ in panel.uprights:
        _stroke(pen, place([at, at], y_ends), colour, 0.8, ":")
    for line in panel.lines:
        _draw_line(pen, place(line.x, line.y), line)
    for points in panel.points:
        _draw_dots(pen, place(points.at[:, 0], points.at[:, 1]), points)
    if panel.square is not None:
        (x, y), side = panel.square
        corners = place([x, x + side, x + side, x, x], [y, y, y + side, y + side, y])
        _stroke(pen, corners, INK, 1.0)
    page.paste(area.reduce(FINER), (left, top))


def _draw_line(pen: ImageDraw.ImageDraw, way: NDArray[np.float64], line: Line) -> None:
    _stroke(pen, way, line.colour, line.width, line.dashes)
    if line.marked:
        _draw_dots(pen, way, Points(way, line.colour, 3.5))


def _draw_dots(pen: ImageDraw.ImageDraw, places: NDArray[np.float64], points: Points) -> None:
    radius = max(1.0, points.diameter / 2 / _POINTS * DPI * FINER)
    colours = points.colours
    for number, (x, y) in enumerate(places.tolist()):
        if math.isfinite(x) and math.isfinite(y):
            colour = colours if isinstance(colours, str) else tuple(colours[number].tolist())
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _stroke(
    pen: ImageDraw.ImageDraw, way: NDArray[np.float64], colour: str, width: float, dashes: Dashes = "-"
) -> None:
    """Draw along a way in pixels of the enlarged area; gaps stand where it is no number."""
    if dashes == "":
        return
    thick = max(1, round(width / _POINTS * DPI * FINER))
    for piece in _unbroken(way):
        for part in [piece] if dashes == "-" else _dashed(piece, dashes):
            pen.line([tuple(point) for point in part.tolist()], fill=colour, width=thick, joint="curve")


def _unbroken(way: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    known = np.asarray(np.isfinite(way).all(axis=-1))
    cuts = np.flatnonzero(np.diff(known.astype(np.int8))) + 1
    pieces = np.split(np.arange(len(way)), cuts)
    return [way[piece] for piece in pieces if len(piece) > 1 and known[piece[0]]]


def _dashed(way: NDArray[np.float64], dashes: Dashes) -> list[NDArray[np.float64]]:
    """Cut a way into dashes."""
    on, off = (length * DPI * FINER for length in _DASHES[dashes])
    run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(way, axis=0).T))])
    parts = []
    for start in np.arange(0.0, run[-1], on + off):
        end = min(start + on, run[-1])
        inside = run[(run > start) & (run < end)]
        at = np.concatenate([[start], inside, [end]])
        parts.append(np.stack([np.interp(at, run, way[:, axis]) for axis in (0, 1)], axis=-1))
    return parts


def _frame(page: PIL.Image.Image, box: Box, *, open_sides: bool) -> None:
    left, top, right, bottom = _corners(box)
    pen = ImageDraw.Draw(page)
    pen.line([(left, top), (left, bottom), (right, bottom)], fill=INK)
    if not open_sides:
        pen.line([(left, top), (right, top), (right, bottom)], fill=INK)


def _write_axes(
    page: PIL.Image.Image,
    pen: ImageDraw.ImageDraw,
    panel: Panel,
    ends: tuple[Ends, Ends],
    ticks: dict[str, list[Tick]],
) -> None:
    left, top, right, bottom = _corners(panel.box)
    font, reach, gap = _font(SMALL), _pixels(TICK), _pixels(GAP)
    widest = 0.0
    for tick in ticks["x"]:
        x = left + float(_share(np.float64(tick.value), ends[0], panel.x)) * (right - left)
        pen.line([(x, bottom), (x, bottom + reach)], fill=INK)
        pen.text((x, bottom + reach + gap), tick.text, fill=INK, font=font, anchor="mt")
    for tick in ticks["y"]:
        y = bottom - float(_share(np.float64(tick.value), ends[1], panel.y)) * (bottom - top)
        pen.line([(left - reach, y), (left, y)], fill=INK)
        pen.text((left - reach - gap, y), tick.text, fill=INK, font=font, anchor="rm")
        widest = max(widest, font.getlength(tick.text))
    middle = (left + right) / 2
    pen.text((middle, top - 2 * gap), panel.title, fill=INK, font=_font(NORMAL), anchor="mb")
    below = bottom + reach + 3 * gap + _pixels(SMALL / _POINTS)
    pen.text((middle, below), panel.x.label, fill=INK, font=font, anchor="mt")
    _write_upright(page, panel.y.label, left - reach - 3 * gap - widest, (top + bottom) / 2, before=True)


def _write_upright(page: PIL.Image.Image, text: str, x: float, y: float, *, before: bool) -> None:
    """Write along the vertical, left (before) or right of an abscissa, centred about an ordinate."""
    if not text:
        return
    font = _font(SMALL)
    left, top, right, bottom = font.getbbox(text)
    mask = PIL.Image.new("L", (math.ceil(right - left) + 2, math.ceil(bottom - top) + 2), 0)
    ImageDraw.Draw(mask).text((1 - left, 1 - top), text, fill=255, font=font)
    turned = mask.transpose(PIL.Image.Transpose.ROTATE_90)
    place = (round(x - turned.width if before else x), round(y - turned.height / 2))
    page.paste(PIL.Image.new("RGB", turned.size, INK), place, turned)


def _draw_bar(page: PIL.Image.Image, pen: ImageDraw.ImageDraw, box: Box, bar: Bar) -> None:
    beside = Box(box.left + box.width + BAR_GAP, box.top, BAR_WIDTH, box.height)
    left, top, right, bottom = _corners(beside)
    shades, end, middle = colour_map(bar.colours), _pixels(BAR_END), (left + right) / 2
    # Arrows stand where values lie beyond the ends.
    inner_top, inner_bottom = top + (end if bar.above else 0), bottom - (end if bar.below else 0)
    gradient = PIL.Image.fromarray(shades[::-1, None].copy())
    page.paste(gradient.resize((right - left, inner_bottom - inner_top)), (left, inner_top))
    upper: list[tuple[float, float]] = [(left, inner_top)]
    lower: list[tuple[float, float]] = [(right, inner_bottom)]
    if bar.above:
        upper += [(middle, top)]
        pen.polygon([(left, inner_top), (middle, top), (right, inner_top)], fill=_shade(shades[-1]))
    if bar.below:
        lower += [(middle, bottom)]
        pen.polygon([(left, inner_bottom), (middle, bottom), (right, inner_bottom)], fill=_shade(shades[0]))
    pen.line([*upper, (right, inner_top), *lower, (left, inner_bottom), (left, inner_top)], fill=INK)
    font, reach, gap, widest = _font(SMALL), _pixels(TICK), _pixels(GAP), 0.0
    low, high = bar.limits
    for tick in linear_ticks(low, high, round(box.height * TICKS_PER_INCH["along"])):
        y = inner_bottom - (tick.value - low) / (high - low) * (inner_bottom - inner_top)
        pen.line([(right, y), (right + reach, y)], fill=INK)
        pen.text((right + reach + gap, y), tick.text, fill=INK, font=font, anchor="lm")
        widest = max(widest, font.getlength(tick.text))
    _write_upright(page, bar.quantity, right + reach + 3 * gap + widest, (top + bottom) / 2, before=False)


def _draw_legend(page: PIL.Image.Image, panel: Panel, x_ends: Ends, y_ends: Ends) -> None:
    names, font = panel.names(), _font(SMALL)
    line_height, sample, gap = _pixels(0.16), _pixels(0.25), _pixels(0.07)
    width = sample + gap + max(font.getlength(name) for name, _, _ in names)
    height = line_height * len(names)
    left, top, right, bottom = _corners(panel.box)
    if panel.beside:
        corner: tuple[float, float] = (right + gap, top)
    else:
        corners = [
            (x, y) for y in (top + gap, bottom - gap - height) for x in (right - gap - width, left + gap)
        ]
        corner = min(corners, key=lambda place: _covered(panel, (x_ends, y_ends), place, width, height))
    # Drawn apart and larger, as the lines are, so that both look alike.
    strip = PIL.Image.new("RGB", (sample * FINER, math.ceil(height) * FINER), "white")
    brush = ImageDraw.Draw(strip)
    for row, (_, colour, dashes) in enumerate(names):
        y = (row + 0.5) * line_height * FINER
        if dashes:
            way = np.array([(0.0, y), (sample * FINER, y)])
            _stroke(brush, way, colour, 1.4, dashes)
        else:
            middle = np.array([(sample * FINER / 2, y)])
            _draw_dots(brush, middle, Points(middle, colour, 4.0))
    page.paste(strip.reduce(FINER), (round(corner[0]), round(corner[1])))
    pen = ImageDraw.Draw(page)
    for row, (name, _, _) in enumerate(names):
        at = (corner[0] + sample + gap, corner[1] + (row + 0.5) * line_height)
        pen.text(at, name, fill=INK, font=font, anchor="lm")


def _covered(
    panel: Panel, ends: tuple[Ends, Ends], corner: tuple[float, float], width: float, height: float
) -> int:
    """Count the points of lines and dots that a rectangle of the page would cover."""
    left, top, right, bottom = _corners(panel.box)
    count = 0
    for x, y in [(line.x, line.y) for line in panel.lines] + [tuple(dots.at.T) for dots in panel.points]:
        across = left + _share(np.asarray(x, np.float64), ends[0], panel.x) * (right - left)
        down = bottom - _share(np.asarray(y, np.float64), ends[1], panel.y) * (bottom - top)
        inside = (across >= corner[0]) & (across <= corner[0] + width)
        count += int(np.sum(inside & (down >= corner[1]) & (down <= corner[1] + height)))
    return count


def _share(values: Any, ends: Ends, axis: Axis) -> NDArray[np.float64]:
    """Give how far values lie between the ends of an axis."""
    low, high = ends
    if axis.logarithmic:
        with np.errstate(divide="ignore", invalid="ignore"):
            values, low, high = np.log10(values), math.log10(low), math.log10(high)
    share = (values - low) / (high - low)
    # Infinity would end Pillow's loop over pixels; far outside is as good.
    return np.asarray(np.clip(share, -10.0, 10.0))


def _ticks(axis: Axis, ends: Ends, length: float, way: str) -> list[Tick]:
    if not axis.named:
        return []
    most = max(2, round(length * TICKS_PER_INCH[way]))
    if axis.logarithmic:
        return logarithmic_ticks(*ends, most)
    return linear_ticks(*ends, most, whole=axis.whole)


@functools.cache
def _font(size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT, size / _POINTS * DPI)


def _corners(box: Box) -> tuple[int, int, int, int]:
    left, top = _pixels(box.left), _pixels(box.top)
    return left, top, left + _pixels(box.width), top + _pixels(box.height)


def _pixels(inches: float) -> int:
    return round(inches * DPI)


def _shade(colour: NDArray[np.uint8]) -> tuple[int, ...]:
    return tuple(colour.tolist())
