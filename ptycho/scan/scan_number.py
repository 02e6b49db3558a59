"""Several scans in one file, told apart by the number of each frame's scan."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from ptycho.errors import ScanError
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["choose_scan"]

FEWEST_FRAMES = 16
"""Fewer frames a number count the frames of one scan, not scans."""


def choose_scan(numbers: NDArray[np.int64], wanted: int | None, path: Path) -> NDArray[np.int64] | None:
    """Tell which frames belong to the scan that is asked for; None where none is: all of them.

    Args:
        numbers: Number of each frame's scan, shape (n,).
        wanted: The number that the settings ask for, or None.
        path: The file, for the message.

    Raises:
        ScanError: No frame has that number.
    """
    known, counts = np.unique(numbers, return_counts=True)
    if wanted is not None:
        if wanted not in known:
            raise ScanError(
                error_text(
                    f"no frame of {path} belongs to data.scan_index = {wanted}",
                    known=", ".join(map(str, known[:20])) + (", ..." if len(known) > 20 else ""),
                )
            )
        return np.flatnonzero(numbers == wanted)
    if len(known) > 1 and counts.min() >= FEWEST_FRAMES:
        warnings.warn(
            f"'scan_index' of {path} numbers {len(known)} scans, {', '.join(map(str, known[:8]))}; they are "
            f"taken as one. data.scan_index = {known[0]} takes one of them alone.",
            UserWarning,
            stacklevel=3,
        )
    return None
