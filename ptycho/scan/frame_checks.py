"""Frames made fit: their bad pixels found, their kind, zero frequency and place of the beam decided."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.scan.array_checks import check_dtype, check_frames
from ptycho.scan.bad_pixels import FrameFlaws, find_bad_pixels, find_dark_frames
from ptycho.scan.centre import beam_pixel, find_beam, is_corner_centred
from ptycho.scan.counts_or_amplitude import QuantityEvidence, Unit, decide_quantity, find_unit
from ptycho.scan.frames import Detector, FrameStack, Orientation
from ptycho.scan.mask import check_mask, load_bad_pixels, marks_good_pixels, masks_in
from ptycho.scan.pixel_table import PixelTable, tabulate
from ptycho.scan.position_origin import compare_readings
from ptycho.scan.repair import RepairedFrames, plan_repair
from ptycho.scan.source import source_name
from ptycho.scan.statistics import measure_frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptycho.scan.validate import ScanArrays

__all__ = ["check_all_frames"]

Array = np.ndarray[Any, Any]

UNIT_FRAMES = 16
"""Frames that are looked at for the step in which values come."""


@dataclass(frozen=True)
class _Pixels:
    """What is known of the pixels: bad ones, single bad values, and frames without light."""

    bad: NDArray[np.bool_] | None
    flaws: FrameFlaws
    dark: NDArray[np.bool_]
    notes: list[str]
    negative: bool = False
    whole: bool = False
    saturation: float | None = None
    saturated: NDArray[np.bool_] | None = None


def check_all_frames(
    raw: Any, given: ScanArrays, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[FrameStack, NDArray[np.bool_], list[str]]:
    """Check the frames and decide what they leave open.

    Args:
        raw: Frames, shape (n, H, W).
        given: The scan that they belong to.
        x: Columns of the positions, in pixels, shape (n,).
        y: Rows of the positions.

    Returns:
        The frames; which of them were taken without light, shape (n,); and what was decided, one sentence
        each.

    Raises:
        ScanError: They cannot be used as they stand.
    """
    key, source, options = given.source.frames_key, given.source.path, given.options
    check_dtype(raw, key, source)
    orientation = Orientation(options.transpose, options.flip_rows, options.flip_columns)
    pixels = _look_at_pixels(raw, given)
    repair = plan_repair(raw, pixels.flaws, pixels.bad)
    fit = raw
    if repair or pixels.negative:
        fit = RepairedFrames(raw, repair, clip=pixels.negative, whole=pixels.whole)
    statistics = measure_frames(fit, pixels.bad)
    in_use = options.mask is not None or given.bad_pixels is not None
    check_frames(statistics, key, source, () if statistics.flaw is None else masks_in(source), in_use=in_use)
    evidence = QuantityEvidence(
        statistics,
        given.source.quantity,
        given.source.usual,
        key,
        source,
        negative=pixels.negative,
        unit=_unit(raw, pixels.bad) if given.source.read_by else None,
        compare=(lambda: compare_readings(raw, given, x, y, pixels.bad)) if given.source.read_by else None,
    )
    quantity, why, is_guess = decide_quantity(options.quantity, evidence)
    mean = orientation.turn(statistics.mean)
    corner, where = is_corner_centred(options.centre, mean, key)
    beam, beam_notes = beam_pixel(options.centre_px, given.beam_centre_px, orientation, raw.shape[1:])
    if beam is None and given.source.read_by:
        bad = None if pixels.bad is None else orientation.turn(pixels.bad)
        beam, beam_notes = find_beam(mean, bad, given.probe, quantity, corner=corner)
    rows, columns = mean.shape
    square = given.geometry.square_px(*raw.shape[1:])
    crop = options.frame_side(_square_px(given, square)) * options.bin
    joined = given.geometry.joined[::-1] if orientation.transpose else given.geometry.joined
    detector = Detector(rows, corner, crop, options.bin, columns, beam, orientation, joined)
    notes = [why, where, *beam_notes, *pixels.notes, *_cut_notes(detector)]
    stack = FrameStack(
        raw,
        quantity,
        detector,
        pixels.bad,
        repair=repair,
        saturation=pixels.saturation,
        saturated=pixels.saturated,
        quantity_is_guess=is_guess,
    )
    return stack, pixels.dark, notes


def _square_px(given: ScanArrays, square: int) -> int:
    """Give the side that is taken without a setting: the probe's where the frames are a little wider."""
    if not given.source.read_by or given.probe is None or given.options.crop_px is not None:
        return square
    side = np.shape(given.probe)[-1]
    return side if square // 2 <= side < square else square


def _look_at_pixels(raw: Any, given: ScanArrays) -> _Pixels:
    shape, n = raw.shape[1:], len(raw)
    bad, flaws, notes = _given_masks(given, raw)
    if bad is not None:
        notes.append(f"{int(bad.sum())} of {bad.size} detector pixels are masked")
    if given.source.read_by == "" or given.options.bad_pixels == "mask":
        return _Pixels(bad, flaws, np.zeros(n, bool), notes, whole=raw.dtype.kind in "iu")
    table = tabulate(raw, bad)
    beam = (shape[0] // 2, shape[1] // 2)
    # A sum over saturated and other pixels has no ceiling of its own.
    one_sided = given.options.bin == 1 and given.geometry.joined == (1, 1)
    findings = find_bad_pixels(table, raw.dtype, bad, beam, one_sided=one_sided)
    new = findings.bad if findings.bad.any() else None
    if new is not None and (bad is None or np.any(new & ~bad)):
        # The light of a frame is judged without what was found: one hot pixel can outshine it all.
        table = tabulate(raw, new)
    dark = find_dark_frames(_without_spikes(table, findings.flaws, new))
    if dark.any():
        which = ", ".join(map(str, np.flatnonzero(dark)[:8])) + (", ..." if dark.sum() > 8 else "")
        notes.append(f"{int(dark.sum())} frames were taken without light and are left out: {which}")
    flaws = replace(findings.flaws, mask=flaws.mask)
    lowest = table.lowest if new is None else table.lowest[~new]
    # Whole numbers below zero were never subtracted from: they are no counts, and are refused.
    negative = raw.dtype.kind == "f" and not table.whole and bool(np.any(lowest < 0))
    return _Pixels(
        new,
        flaws,
        dark,
        [*notes, *findings.notes],
        negative,
        table.whole,
        findings.saturation,
        findings.saturated if findings.saturated.any() else None,
    )


def _without_spikes(table: PixelTable, flaws: FrameFlaws, bad: NDArray[np.bool_] | None) -> PixelTable:
    """Take the spikes off the light of their frames: one of them is as bright as a frame with the beam on."""
    frames, rows, columns = flaws.spikes.T
    counted = np.ones(len(frames), bool) if bad is None else ~bad[rows, columns]
    totals = table.totals.copy()
    np.subtract.at(totals, frames[counted], table.highest[rows, columns][counted])
    return replace(table, totals=totals)


def _unit(raw: Any, bad: NDArray[np.bool_] | None) -> Unit | None:
    if raw.dtype.kind != "f":
        return None
    some = np.asarray(raw[np.linspace(0, len(raw) - 1, min(UNIT_FRAMES, len(raw))).astype(np.int64)])
    return find_unit(some if bad is None else some[:, ~bad])


def _given_masks(given: ScanArrays, raw: Any) -> tuple[NDArray[np.bool_] | None, FrameFlaws, list[str]]:
    """Join the mask of the file with that of the settings; a mask for every frame stays one."""
    shape: tuple[int, int] = raw.shape[1:]
    bad = load_bad_pixels(given.options.mask, shape, given.source.path)
    own, flaws, notes = given.bad_pixels, FrameFlaws(), list[str]()
    if bad is not None and given.source.read_by and marks_good_pixels(bad, raw):
        bad = ~bad
        notes.append(f'data.mask = "{given.options.mask}" marks nearly all light: its marks are good pixels')
    if own is not None:
        every = np.asarray(own.all(axis=0) if own.ndim == 3 else own)
        check_mask(every, shape, f"the mask of {source_name(given.source.path)}")
        if own.ndim == 3 and len(own) == len(given.frames) and np.any(own & ~every):
            flaws = FrameFlaws(mask=own & ~every)
            share = np.count_nonzero(own & ~every) / own.size
            notes.append(f"the file masks {100 * share:.2g} % of the pixels frame by frame; replaced there")
        bad = every if bad is None else bad | every
    return (bad if bad is not None and bad.any() else None), flaws, notes


def _cut_notes(detector: Detector) -> list[str]:
    rows, columns = detector.shape
    if (rows, columns) == (detector.side, detector.side) and not detector.overhang:
        return []
    size = f"{rows} px" if rows == columns else f"{rows} x {columns} px"
    if detector.joined != (1, 1):
        down, across = detector.joined
        size += f", {down} x {across} of which were joined to a square one"
    where = "the middle" if detector.beam_px is None else f"around the beam at {detector.beam_px},"
    filled = "; beyond the edge it is filled up with masked pixels" if detector.overhang else ""
    return [f"frames of {size}: {where} {detector.crop_px} px were kept and binned by {detector.bin}{filled}"]
