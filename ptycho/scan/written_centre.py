"""The beam as a converted scan states it: frames may be centred where settings wanted it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptycho.scan.scan_file import ScanFile

__all__ = ["CENTRE_KEY", "middle_px", "read_centre_px"]

CENTRE_KEY = "centre_px"


def middle_px(side_px: int) -> NDArray[np.float64]:
    """Give row and column of the beam in frames that were centred on it."""
    return np.full(2, side_px // 2, np.float64)


def read_centre_px(file: ScanFile) -> tuple[float, float] | None:
    """Read row and column of the beam, where a conversion wrote them."""
    if CENTRE_KEY not in file.keys or file.outline(CENTRE_KEY) not in {((2,), kind) for kind in "iuf"}:
        return None
    row, column = file.read(CENTRE_KEY)
    return float(row), float(column)
