"""Shapes that simulated objects are drawn with."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ptycho.simulate.kinds import Image, Shape

__all__ = ["count_per_area", "ellipse", "rectangle", "soften"]

EDGE_SIGMA_PX = 0.7
"""Softening of every edge: sharper ones would alias on the pixel grid."""


def count_per_area(shape: Shape, area_px: float) -> int:
    """Tell how many things of an area fit on a picture, at least one."""
    return max(1, int(shape[0] * shape[1] / area_px))


def rectangle(shape: Shape, rng: np.random.Generator) -> tuple[slice, slice]:
    """Give the pixels of a rectangle of 4 to 23 px a side that may reach over the edge."""
    height, width = rng.integers(4, 24, size=2)
    top, left = int(rng.integers(-height, shape[0])), int(rng.integers(-width, shape[1]))
    return slice(max(0, top), max(0, top + int(height))), slice(max(0, left), max(0, left + int(width)))


def ellipse(shape: Shape, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give the pixels of an ellipse whose size follows the inverse cube law between 3 and 30 px."""
    size = 1.0 / np.sqrt(rng.uniform(1.0 / 30.0**2, 1.0 / 3.0**2))
    flat = rng.uniform(0.5, 1.0)
    angle = rng.uniform(0.0, np.pi)
    x, y = rng.uniform(0, shape[1]), rng.uniform(0, shape[0])
    reach = int(size) + 1
    rows = np.arange(max(0, int(y) - reach), min(shape[0], int(y) + reach + 1))
    columns = np.arange(max(0, int(x) - reach), min(shape[1], int(x) + reach + 1))
    dy, dx = rows[:, np.newaxis] - y, columns[np.newaxis] - x
    along, across = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
    inside = (along / size) ** 2 + (across / (flat * size)) ** 2 < 1.0
    where_rows, where_columns = np.nonzero(inside)
    return rows[where_rows], columns[where_columns]


def soften(image: Image) -> Image:
    """Blur a picture just enough for the pixel grid."""
    softened: Image = ndimage.gaussian_filter(image, EDGE_SIGMA_PX)
    return softened
