"""Pixels that measure nothing, told from the frames: markers, dead, stuck, hot and saturated ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptycho.scan.pixel_table import PixelTable

__all__ = ["FrameFlaws", "PixelFindings", "find_bad_pixels", "find_dark_frames"]

Array = np.ndarray[Any, Any]

FEWEST_FRAMES = 8
"""With fewer frames, a pixel that never changes may do so by chance."""

NEIGHBOURHOOD_PX = 5
"""Side of the square in which a pixel is compared with others: wider than a gap of two columns."""

DEAD_COUNTS = 50.0
"""Photons that the neighbours of a pixel saw in all while it saw none: by chance once in e^50, and once in
e^12 where every frame was taken four times over."""

HOT_RATIO = 50.0
"""How many times brighter than the brightest pixel around it a hot one is; no speckle is that steep."""

SPIKE_RATIO = 10.0
"""How many times brighter in one frame than in any other, and than any pixel around it, a spike is."""

SPIKE_COUNTS = 100.0
"""Below this, one frame's excess may be the noise of few photons."""

SATURATED_PIXELS = 5
"""Pixels that reach the highest value of all in two frames; noise makes hardly one do so."""

SATURATED_COUNTS = 32.0
"""Below this many photons, equal highest values are what chance gives."""

DARK_SHARE = 0.02
"""A frame with less than this share of the usual light shows no sample but a closed shutter."""

HOT_COUNTS = 100.0
"""Photons in all below which a lone bright pixel is chance."""

USUAL_COUNTS = 50.0
"""Photons in a usual frame below which a frame without any may be chance."""

COUNTER_ENDS = {float(kind(2**bits - 1)) for bits in (16, 20, 24, 31, 32) for kind in (float, np.float32)}
"""Largest values of counters: they mark pixels also where the numbers of the file are wider, or floats."""

BEAM_PX = 2
"""Pixels around zero frequency that may well be far brighter than those beside them: the beam itself."""


@dataclass(frozen=True)
class FrameFlaws:
    """Single values that are no measurement, in pixels that are good otherwise.

    Attributes:
        ceiling: Value from which on a pixel is saturated, or None.
        markers: Values that mark a pixel as not measured.
        negative: Whether negative values mark it too.
        spikes: Frame, row and column of single spikes, shape (k, 3).
        mask: Pixels that the file marks frame by frame, True = bad, shape (n, H, W), or None.
    """

    ceiling: float | None = None
    markers: tuple[float, ...] = ()
    negative: bool = False
    spikes: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 3), np.int64))
    mask: Any = None

    def __bool__(self) -> bool:
        """Tell whether there can be any."""
        return bool(
            self.ceiling is not None
            or self.markers
            or self.negative
            or len(self.spikes)
            or self.mask is not None
        )

    def find(self, block: Array, indices: Array) -> NDArray[np.bool_]:
        """Mark what is no measurement in some frames.

        Args:
            block: The frames as they stand in the file, shape (k, H, W).
            indices: Which frames they are, shape (k,).
        """
        bad = np.zeros(block.shape, bool) if self.mask is None else np.array(self.mask[indices], bool)
        if self.ceiling is not None:
            bad |= block >= self.ceiling
        for marker in self.markers:
            bad |= block == marker
        if self.negative:
            bad |= block < 0
        if len(self.spikes):
            for place, index in enumerate(indices.tolist()):
                _, rows, columns = self.spikes[self.spikes[:, 0] == index].T
                bad[place, rows, columns] = True
        return bad


@dataclass(frozen=True)
class PixelFindings:
    """What was found.

    Attributes:
        bad: Pixels that measure nothing in any frame, shape (H, W), True = bad.
        flaws: Single values that are no measurement.
        notes: What was found and by what, one sentence each.
        saturation: Value from which on a pixel is saturated and says no more than that, or None.
        saturated: Pixels that mostly are, shape (H, W).
    """

    bad: NDArray[np.bool_]
    flaws: FrameFlaws
    notes: tuple[str, ...]
    saturation: float | None
    saturated: NDArray[np.bool_]


def find_bad_pixels(
    table: PixelTable,
    dtype: np.dtype[Any],
    known: NDArray[np.bool_] | None,
    beam: tuple[int, int],
    *,
    one_sided: bool = True,
) -> PixelFindings:
    """Tell bad pixels from the frames.

    Args:
        table: What every pixel showed.
        dtype: Kind of the frames' numbers: the highest that it holds is a marker.
        known: Pixels that are known to be bad, shape (H, W), or None.
        beam: Row and column of zero frequency in the file's frames.
        one_sided: Whether what follows knows that a saturated pixel saw at least as much; else it is masked
            where it mostly is saturated, and replaced where it sometimes is.
    """
    bad = np.zeros(table.mean.shape, bool) if known is None else known.copy()
    notes: list[str] = []

    def add(pixels: NDArray[np.bool_], what: str) -> None:
        new = pixels & ~bad
        if new.any() and not np.all(bad | new):
            rows, columns = np.nonzero(new)
            where = f", the first at row {rows[0]}, column {columns[0]}" if len(rows) < new.size else ""
            notes.append(f"{len(rows)} pixels are {what}{where}; masked")
            bad[new] = True

    n = len(table.totals)
    constant = (table.lowest == table.highest) & (n >= FEWEST_FRAMES)
    top = float(np.iinfo(dtype).max) if dtype.kind in "iu" else np.inf
    add(constant & (table.highest == top), f"at {top:.0f} in every frame, the marker of {dtype}")
    end = float(table.highest.max())
    if end < top and table.whole and end in COUNTER_ENDS:
        add(constant & (table.highest == end), f"at {end:.0f} in every frame, the end of a counter")
    add((table.highest < 0) & (dtype.kind == "i"), "negative in every frame, a marker")
    add(constant & (table.highest < 0), "at one value below zero in every frame, a marker")
    add((table.not_finite == n) & (n > 1), "no number in any frame, a marker")
    # Whoever always stands at the end of the counter, with others, is saturated and not stuck.
    usual_end = None if bad.all() else _ceiling(table, bad, np.empty((0, 3), np.int64))
    stuck = constant & (table.highest != (np.inf if usual_end is None else usual_end))
    add(stuck & _above(table.mean, bad), "stuck at one value above their neighbours")
    add(_dead(table, bad) & (n >= FEWEST_FRAMES), "dark in every frame while their neighbours are not")
    add(_hot(table, bad, beam), f"hot: {HOT_RATIO:g} times brighter than any neighbour")
    spikes = _spikes(table, bad)
    # Without the spikes: one of them would pass for the highest value of the detector.
    ceiling = None if bad.all() else _ceiling(table, bad, spikes)
    saturated = np.zeros(bad.shape, bool) if ceiling is None else (table.mean > 0.5 * ceiling) & ~bad
    saturated &= table.highest >= (np.inf if ceiling is None else ceiling)
    saturation = ceiling if one_sided else None
    if saturation is not None:
        notes.append(_saturation_note(table, saturation, saturated, bad))
        ceiling = None
    if ceiling is not None:
        add((table.mean > 0.5 * ceiling) & (table.highest >= ceiling), f"saturated at {ceiling:g}")
    flaws = FrameFlaws(
        ceiling,
        (top,) if bool(np.any((table.highest == top) & ~bad)) else (),
        negative=dtype.kind == "i" and bool(np.any((table.lowest < 0) & ~bad)),
        spikes=spikes,
    )
    notes += _flaw_notes(table, flaws, bad)
    return PixelFindings(bad, flaws, tuple(notes), saturation, saturated)


def find_dark_frames(table: PixelTable) -> NDArray[np.bool_]:
    """Tell frames that were taken without light, shape (n,)."""
    totals = table.totals
    usual = float(np.median(totals))
    if usual <= (USUAL_COUNTS if table.whole else 0.0):
        return np.zeros(len(totals), bool)
    return totals < DARK_SHARE * usual


def _neighbours(values: NDArray[np.float64], bad: NDArray[np.bool_], reduce: Any) -> NDArray[np.float64]:
    """Reduce the values around every pixel, itself and bad ones left out; NaN where there is none."""
    size = NEIGHBOURHOOD_PX
    padded = np.pad(np.where(bad, np.nan, values), size // 2, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size)).reshape(*values.shape, -1)
    others = np.delete(windows, windows.shape[-1] // 2, axis=-1)
    empty = np.isnan(others).all(axis=-1)
    result = np.full(values.shape, np.nan)
    result[~empty] = reduce(others[~empty], axis=-1)
    return result


def _brightest_around(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the largest of the eight values around each; beyond an edge stand those at the edge."""
    height, width = values.shape
    edged = np.pad(values, 1, mode="edge")
    around = [edged[y : y + height, x : x + width] for y in range(3) for x in range(3) if (y, x) != (1, 1)]
    return np.asarray(np.maximum.reduce(around))


def _above(mean: NDArray[np.float64], bad: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell pixels that are brighter than all around them: without light, all pixels show one value."""
    around = _brightest_around(np.where(bad, -np.inf, mean))
    above: NDArray[np.bool_] = mean > np.maximum(around, np.median(mean))
    return above


def _dead(table: PixelTable, bad: NDArray[np.bool_]) -> NDArray[np.bool_]:
    dark: NDArray[np.bool_] = (table.highest == 0) & (table.lowest == 0) & ~bad
    if not dark.any():
        return dark
    # Only lit neighbours count: two dead columns would hide each other.
    # Without counts nothing tells how unlikely darkness is; neighbours lit in every frame do.
    shown, enough = (table.mean, DEAD_COUNTS / len(table.totals)) if table.whole else (table.lowest, 0.0)
    around = _neighbours(shown, bad | dark, np.nanmedian)
    lit = _neighbours((~(bad | dark)).astype(float), bad, np.nanmean)
    dead: NDArray[np.bool_] = dark & (np.nan_to_num(around) > enough) & (np.nan_to_num(lit) > 0.5)
    return dead


def _hot(table: PixelTable, bad: NDArray[np.bool_], beam: tuple[int, int]) -> NDArray[np.bool_]:
    mean = table.mean
    brightest = _brightest_around(np.where(bad, 0.0, mean))
    usual = float(np.median(mean[~bad])) if (~bad).any() else 0.0
    least = HOT_COUNTS / len(table.totals) if table.whole else 0.1 * float(brightest.max())
    hot: NDArray[np.bool_] = ~bad & (mean > np.maximum(HOT_RATIO * np.maximum(brightest, usual), least))
    rows, columns = mean.shape
    for row, column in (beam, (0, 0), (rows - 1, columns - 1), (0, columns - 1), (rows - 1, 0)):
        near_rows = slice(max(row - BEAM_PX, 0), row + BEAM_PX + 1)
        near_columns = slice(max(column - BEAM_PX, 0), column + BEAM_PX + 1)
        hot[near_rows, near_columns] = False
    return hot


def _spikes(table: PixelTable, bad: NDArray[np.bool_]) -> NDArray[np.int64]:
    second = np.where(bad, 0.0, np.maximum(table.second, 0.0))
    around = np.maximum(second, _brightest_around(second))
    # Without counts, only a spike as bright as the frames' brightest is told from a small value's noise.
    least = SPIKE_COUNTS if table.whole else 0.5 * float(around.max())
    high = table.highest > np.maximum(SPIKE_RATIO * around, least)
    # Where no other frame has any light, a sample may scatter once: more than one pixel of that frame then.
    highest = np.where(bad | ~np.isfinite(table.highest), 0.0, table.highest)
    alone = table.highest > SPIKE_RATIO * _brightest_around(highest)
    spikes = ~bad & np.isfinite(table.highest) & high & ((around > 0) | alone) & (table.second.max() > 0)
    rows, columns = np.nonzero(spikes)
    return np.stack([table.highest_frame[rows, columns], rows, columns], axis=1)


def _ceiling(table: PixelTable, bad: NDArray[np.bool_], spikes: NDArray[np.int64]) -> float | None:
    """Find the value that many pixels share as their highest: the end of the counter."""
    highest = np.where(bad, -np.inf, table.highest)
    highest[spikes[:, 1], spikes[:, 2]] = table.second[spikes[:, 1], spikes[:, 2]]
    top = float(highest.max())
    # In two frames at least: by chance, many pixels of a flat region share their highest value once.
    shared = int(np.count_nonzero((highest == top) & (table.second == top)))
    enough = table.whole and top >= SATURATED_COUNTS and shared >= SATURATED_PIXELS
    return top if enough else None


def _saturation_note(
    table: PixelTable, ceiling: float, mostly: NDArray[np.bool_], bad: NDArray[np.bool_]
) -> str:
    pixels = int(np.count_nonzero((table.highest >= ceiling) & ~bad))
    return (
        f"{pixels} pixels are saturated at {ceiling:g}, {int(mostly.sum())} of them in most frames; "
        "there the frames say that as much or more fell on them"
    )


def _flaw_notes(table: PixelTable, flaws: FrameFlaws, bad: NDArray[np.bool_]) -> list[str]:
    notes = []
    if flaws.ceiling is not None:
        pixels = int(np.count_nonzero((table.highest >= flaws.ceiling) & ~bad))
        notes.append(
            f"{pixels} more pixels are saturated at {flaws.ceiling:g} in some frames; replaced there"
        )
    if flaws.markers and flaws.ceiling is None:
        pixels = int(np.count_nonzero((table.highest == flaws.markers[0]) & ~bad))
        notes.append(f"{pixels} pixels hold the marker {flaws.markers[0]:.0f} in some frames; replaced there")
    if flaws.negative:
        pixels = int(np.count_nonzero((table.lowest < 0) & ~bad))
        notes.append(f"{pixels} pixels are negative in some frames, a marker; replaced there")
    if len(flaws.spikes):
        frames = len(np.unique(flaws.spikes[:, 0]))
        notes.append(f"{len(flaws.spikes)} spikes in {frames} frames, each in one frame only; replaced")
    return notes
