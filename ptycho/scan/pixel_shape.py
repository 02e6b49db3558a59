"""Detector pixels that are no squares: how many along rows and columns make one."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["PixelShape", "joined_to_squares"]

ALIKE = 1e-3
"""Part by which heights and widths may differ and still be the same: files round them."""

LARGEST_RATIO = 16
LARGEST_FRACTION = 3
"""Pixels of 2 : 3 are joined to squares of six; beyond, too little of a frame would be left."""


class PixelShape(NamedTuple):
    """Height and width of a detector pixel.

    Attributes:
        height_m: Along a column of the frame.
        width_m: Along a row.
    """

    height_m: float
    width_m: float

    @property
    def joined(self) -> tuple[int, int] | None:
        """How many pixels along a column and along a row make a square, None where no few do."""
        return joined_to_squares(self.height_m, self.width_m)

    @property
    def setting(self) -> float | tuple[float, float]:
        """The value of `data.pixel_size_m` that says it."""
        return self.height_m if self.joined == (1, 1) else (self.height_m, self.width_m)


def joined_to_squares(height_m: float, width_m: float) -> tuple[int, int] | None:
    """Give how many pixels along a column and along a row make a square; None where no few do.

    Joining adds counts, as a detector with such pixels would have counted them: nothing is interpolated.
    """
    for along_column in range(1, LARGEST_RATIO + 1):
        for along_row in range(1, LARGEST_RATIO + 1):
            whole = min(along_column, along_row) == 1 or max(along_column, along_row) <= LARGEST_FRACTION
            apart = abs(along_column * height_m - along_row * width_m)
            if whole and apart <= ALIKE * along_row * width_m:
                return along_column, along_row
    return None
