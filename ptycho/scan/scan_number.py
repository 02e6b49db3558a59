"""Several scans in one file, told apart by the number of each frame's scan."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptycho.errors import ScanError
from ptycho.settings.call_site import outside_stack_level
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ptycho.settings.data import ScanIndex

__all__ = ["FEWEST_FRAMES", "ScanNumbers", "tell_scans_apart"]

FEWEST_FRAMES = 16
"""Fewer frames a number count the frames of one scan, not scans."""

SHOWN_NUMBERS = 8


@dataclass(frozen=True)
class ScanNumbers:
    """Which frames belong to which scan.

    Attributes:
        rows: Frames of each scan, in the order of the numbers; a single entry where all are one scan. Frames
            that stand in none are left out.
        numbers: The number of each scan.
        note: What was decided and why, or nothing where there was nothing to decide.
    """

    rows: tuple[NDArray[np.int64], ...]
    numbers: tuple[int, ...] = ()
    note: str = ""


def tell_scans_apart(
    numbers: NDArray[np.int64],
    wanted: ScanIndex,
    source: str,
    same_sample: Callable[[list[NDArray[np.int64]]], str],
) -> ScanNumbers:
    """Tell which frames belong to which scan.

    Args:
        numbers: Number of each frame's scan, shape (n,).
        wanted: "split" takes every number for a scan, "ignore" takes all frames for one, a number takes that
            scan alone, and "auto" splits unless the numbers count frames or all frames show one sample.
        source: The file, for the message.
        same_sample: Looks at the frames of each scan, and says why they are parts of one; "" where they are
            not.

    Raises:
        ScanError: No frame has the number that is asked for.
    """
    everything = (np.arange(len(numbers)),)
    known, counts = np.unique(numbers, return_counts=True)
    if isinstance(wanted, int):
        if wanted not in known:
            raise ScanError(
                error_text(f"no frame of {source} belongs to data.scan_index = {wanted}", known=_list(known))
            )
        note = f"'scan_index': {wanted} alone of {len(known)} scans: data.scan_index says so"
        return ScanNumbers((np.flatnonzero(numbers == wanted),), (wanted,), note if len(known) > 1 else "")
    if len(known) < 2 or wanted == "ignore":
        ignored = f"'scan_index' numbers {len(known)} scans, taken as one: data.scan_index says so"
        return ScanNumbers(everything, note=ignored if len(known) > 1 else "")
    if wanted == "auto":
        if np.median(counts) < FEWEST_FRAMES:
            # As many numbers as frames, or lines of a raster: nobody needs to be told.
            return ScanNumbers(everything)
        long = counts >= FEWEST_FRAMES
        rows = [np.flatnonzero(numbers == number) for number in known[long]]
        together = same_sample(rows) if len(rows) > 1 else ""
        if together:
            note = f"'scan_index' numbers {len(known)} parts of one scan: {together}"
            return ScanNumbers(everything, note=f'{note}; data.scan_index = "split" takes them apart')
        if not long.all():
            _tell_short(known[~long], source)
        known = known[long]
    else:
        rows = [np.flatnonzero(numbers == number) for number in known]
    note = f"'scan_index' numbers {len(known)} scans, {_list(known)}: each has its own picture"
    if len(known) < 2:
        note = ""
    return ScanNumbers(tuple(rows), tuple(known.tolist()), note)


def _tell_short(numbers: NDArray[np.int64], source: str) -> None:
    which = _list(numbers)
    warnings.warn(
        f"the frames of {source} with 'scan_index' {which} are left out: fewer than {FEWEST_FRAMES} make no "
        'scan. data.scan_index = "split" keeps them.',
        UserWarning,
        stacklevel=outside_stack_level(),
    )


def _list(numbers: NDArray[np.int64]) -> str:
    shown = ", ".join(map(str, numbers[:SHOWN_NUMBERS].tolist()))
    return shown + (", ..." if len(numbers) > SHOWN_NUMBERS else "")
