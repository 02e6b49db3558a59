"""Which position each frame was taken at, where there is not just one of each."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ptycho.errors import ScanError
from ptycho.files.number_ranges import listed_numbers
from ptycho.scan.coordinates import surplus_note
from ptycho.scan.source import source_name
from ptycho.settings.call_site import outside_stack_level
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ptycho.settings.data import ScanOptions

__all__ = ["Matching", "expected_frames", "match_frames"]

COMPARED = 24
"""Positions whose exposures are compared."""

ALIKE = 0.5
"""Difference of two exposures of one position, as a share of that of two neighbours, below which frames tell
their order; 1 where all frames are the same, or nothing but noise."""


MOST, FEW = 0.75, 0.25
"""Shares of the positions: at some, a line of the scan ends, and the next frame lies far off."""


class Matching(NamedTuple):
    """Which position each frame was taken at.

    Attributes:
        rows: Row of the list of positions, shape (frames,); -1 for a frame that has none.
        notes: What was decided and why, one sentence each.
    """

    rows: NDArray[np.int64]
    notes: list[str]


def expected_frames(shape: tuple[int, ...], n_positions: int, options: ScanOptions) -> int:
    """Give how many frames there are by the settings: as many as one end of a stack's shape, where that fits.

    Args:
        shape: Of the stack, with the frames first or last.
        n_positions: Length of the list of positions.
        options: Say which frames and positions have no partner.
    """
    ends = (shape[0], shape[-1]) if len(shape) == 3 else ()
    times = {n: _frames_at_each(n, n_positions, options) for n in ends}
    # One frame a position first: the side of a frame, too, may be a multiple of the positions.
    one_each = [n for n in ends if times[n] == 1]
    return next((n for n in (*one_each, *ends) if times[n]), n_positions)


def match_frames(raw: Any, n_positions: int, options: ScanOptions, source: Path | None) -> Matching | None:
    """Match frames and positions as the settings say; None where each simply has the other's number.

    Args:
        raw: Frames, shape (n, H, W).
        n_positions: Length of the list of positions.
        options: Say which frames and positions have no partner, and how several exposures follow each other.
        source: The file, for messages.

    Raises:
        ScanError: A number is none of a frame or position, or nothing tells the order of the exposures.
    """
    n = len(raw)
    alone, without = (
        _numbers(name, getattr(options, name), count, source)
        for name, count in (("frames_without_position", n), ("positions_without_frame", n_positions))
    )
    left_out = _numbers("leave_out", options.leave_out, n, source)
    frames = np.setdiff1d(np.arange(n), alone)
    places = np.setdiff1d(np.arange(n_positions), without)
    notes = [
        f"{len(numbers)} {what}: data.{name} says so"
        for numbers, what, name in (
            (alone, "frames have no position and are left out", "frames_without_position"),
            (without, "positions have no frame and are left out", "positions_without_frame"),
            (left_out, "frames are left out with their positions", "leave_out"),
        )
        if len(numbers)
    ]
    times = _exposures(len(frames), len(places))
    if times > 1:
        order, why = _order_of_exposures(raw, frames, len(places), times, options, source)
        places = np.repeat(places, times) if order == "together" else np.tile(places, times)
        notes.append(f"{times} frames at each position, {ORDERS[order]}: {why}")
    elif not notes:
        return None
    if n == n_positions and len(without) and not len(alone) and len(places) < len(frames):
        notes.append(f"the last {len(frames) - len(places)} frames have no position left, and are left out")
        warnings.warn(notes[-1], RuntimeWarning, stacklevel=outside_stack_level())
        frames = frames[: len(places)]
    if len(places) < len(frames):
        # Who compares the numbers of frames and positions says what is missing.
        return Matching(np.arange(n), notes)
    if len(places) > len(frames):
        notes.append(surplus_note(len(places), len(frames)))
        warnings.warn(notes[-1], RuntimeWarning, stacklevel=outside_stack_level())
    rows = np.full(n, -1)
    rows[frames] = places[: len(frames)]
    rows[left_out] = -1
    return Matching(rows, notes)


ORDERS = {
    "together": "those of one position follow each other",
    "runs": "for the whole scan was run so often",
}
"""How several exposures of each position follow each other, by the word of the setting."""


def _numbers(name: str, text: str | None, count: int, source: Path | None) -> NDArray[np.int64]:
    try:
        return np.array(listed_numbers(text, count), np.int64)
    except IndexError as error:
        what = "positions" if name == "positions_without_frame" else "frames"
        raise ScanError(
            error_text(
                f'data.{name} = "{text}": there is no {error} among {count} {what} of {source_name(source)}',
                expected=f"numbers from 0 to {count - 1}, and ranges of them",
            )
        ) from error


def _frames_at_each(n: int, n_positions: int, options: ScanOptions) -> int:
    """Give how many frames each position has by the settings, 0 where frames and positions do not fit."""
    try:
        frames = n - len(listed_numbers(options.frames_without_position, n))
        places = n_positions - len(listed_numbers(options.positions_without_frame, n_positions))
    except IndexError:
        return 0
    times = _exposures(frames, places)
    return times if times > 1 or frames == places else 0


def _exposures(frames: int, places: int) -> int:
    """Give how many frames each position has, 1 where the numbers do not say."""
    return frames // places if places > 1 and frames % places == 0 else 1


def _order_of_exposures(
    raw: Any, frames: NDArray[np.int64], places: int, times: int, options: ScanOptions, source: Path | None
) -> tuple[str, str]:
    """Tell whether exposures of one position follow each other, or whole scans do.

    Raises:
        ScanError: Both would do.
    """
    if options.exposures != "auto":
        return options.exposures, "data.exposures says so"
    some = np.unique(np.linspace(0, places - 2, min(COMPARED, places - 1)).astype(np.int64))
    # From the last exposure of a position, back to its others and on to the next position: one step each, for
    # neighbours of a scan that moves are alike, too.
    ways = {"together": (some * times + times - 1, -1, 1), "runs": (some, places, 1)}
    alike = [
        order
        for order, (here, again, elsewhere) in ways.items()
        if max(_difference(raw, frames[here], frames[here + k * again], MOST) for k in range(1, times))
        < ALIKE * _difference(raw, frames[here], frames[here + elsewhere], FEW)
    ]
    if len(alike) != 1:
        raise ScanError(
            error_text(
                f"{len(frames)} frames but {places} positions in {source_name(source)}: {times} at each, and "
                "the frames do not tell in which order. Every pattern needs a position.",
                expected="a setting that says it",
                hint='data.exposures = "together" where those of one position follow each other, "runs" '
                f"where the whole scan was run {times} times",
            )
        )
    return alike[0], "so they are alike"


def _difference(raw: Any, first: NDArray[np.int64], second: NDArray[np.int64], share: float) -> float:
    """Give what a share of the pairs of frames differ by at most, in units of their light."""
    one, other = (np.asarray(raw[rows]).astype(np.float64).reshape(len(rows), -1) for rows in (first, second))
    # The root of counts has the same noise everywhere; no marker of a bad pixel decides.
    one, other = (np.sqrt(np.clip(block, 0.0, np.nanquantile(block, 0.99))) for block in (one, other))
    light = np.nansum(one**2 + other**2, axis=1)
    apart = np.nansum((one - other) ** 2, axis=1)
    return float(np.quantile(apart[light > 0] / light[light > 0], share)) if np.any(light > 0) else 1.0
