"""Objects to scan: families of random transmissions whose amplitude and phase are drawn independently."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ptycho.errors import ScanError
from ptyconf.errors import error_text

__all__ = ["FAMILIES", "Contrast", "Family", "draw_object"]

Image = NDArray[np.float64]
Shape = tuple[int, int]
Family = Literal["textures", "dead_leaves", "lines", "spokes"]

EDGE_SIGMA_PX = 0.7
"""Softening of every edge: sharper ones would alias on the pixel grid."""


@dataclass(frozen=True)
class Contrast:
    """Between which values an object varies.

    Attributes:
        amplitude: Lowest and highest amplitude; no sample amplifies, so the highest is at most 1.
        phase_rad: Lowest and highest phase.
    """

    amplitude: tuple[float, float] = (0.5, 1.0)
    phase_rad: tuple[float, float] = (-1.0, 1.0)


def draw_object(
    family: Family, shape: Shape, rng: np.random.Generator, contrast: Contrast | None = None
) -> NDArray[np.complex64]:
    """Draw one object; amplitude and phase are two independent draws of the same family.

    Args:
        family: A name in ``FAMILIES``.
        shape: (H, W) in pixels.
        rng: The one source of randomness.
        contrast: Between which values it varies.

    Returns:
        Complex transmission of shape (H, W).

    Raises:
        ScanError: There is no such family.
    """
    if family not in FAMILIES:
        raise ScanError(
            error_text(
                f'there is no family of objects "{family}"',
                known=", ".join(FAMILIES),
                hint='object_family = "textures"',
            )
        )
    limits = Contrast() if contrast is None else contrast
    amplitude, phase = (_stretch(FAMILIES[family](shape, rng)) for _ in range(2))
    low, high = limits.amplitude
    first, last = limits.phase_rad
    wave = np.exp(1j * (first + (last - first) * phase))
    drawn: NDArray[np.complex64] = ((low + (high - low) * amplitude) * wave).astype(np.complex64)
    return drawn


def draw_textures(shape: Shape, rng: np.random.Generator) -> Image:
    """Draw smooth noise of several grain sizes, with rectangles and ellipses on it."""
    image = np.zeros(shape)
    for grain_px, weight in ((2.5, 0.35), (6.0, 0.6), (16.0, 1.0)):
        noise = ndimage.gaussian_filter(rng.standard_normal(shape), grain_px, mode="wrap")
        image += weight * noise / noise.std()
    for _ in range(_count(shape, 200.0)):
        inside = _rectangle(shape, rng) if rng.random() < 0.5 else _ellipse(shape, rng)
        image[inside] += rng.uniform(-1.6, 1.6)
    return _soften(image)


def draw_dead_leaves(shape: Shape, rng: np.random.Generator) -> Image:
    """Draw disks that fall on each other, their radii spread by a power law: edges at every scale.

    Source:
        Lee, Mumford and Huang, Int. J. Computer Vision 41, 35 (2001): occlusion models for natural images.
    """
    image = np.full(shape, 0.5)
    for _ in range(_count(shape, 60.0)):
        inside = _ellipse(shape, rng)
        image[inside] = rng.random()
    return _soften(image)


def draw_lines(shape: Shape, rng: np.random.Generator) -> Image:
    """Draw straight lines of random direction, width and height, crossing the whole picture."""
    rows, columns = np.indices(shape, sparse=True)
    image = np.zeros(shape)
    for _ in range(max(12, int(0.35 * max(shape)))):
        angle = rng.uniform(0.0, np.pi)
        x, y = rng.uniform(0, shape[1]), rng.uniform(0, shape[0])
        distance = np.abs((columns - x) * np.sin(angle) - (rows - y) * np.cos(angle))
        image += rng.uniform(0.3, 1.0) * (distance < rng.uniform(0.7, 2.5))
    return _soften(image)


def draw_spokes(shape: Shape, rng: np.random.Generator) -> Image:
    """Draw Siemens stars of random size and place: every resolution in one picture."""
    rows, columns = np.indices(shape, sparse=True)
    image = np.zeros(shape)
    for _ in range(_count(shape, 4000.0)):
        x, y = rng.uniform(0, shape[1]), rng.uniform(0, shape[0])
        radius = np.hypot(columns - x, rows - y)
        angle = np.arctan2(rows - y, columns - x)
        spokes = np.cos(int(rng.integers(8, 25)) * angle + rng.uniform(0.0, 2 * np.pi)) > 0
        size = rng.uniform(20.0, 60.0)
        image = np.where(radius < size, rng.uniform(0.3, 1.0) * spokes, image)
    return _soften(image)


FAMILIES: dict[Family, Callable[[Shape, np.random.Generator], Image]] = {
    "textures": draw_textures,
    "dead_leaves": draw_dead_leaves,
    "lines": draw_lines,
    "spokes": draw_spokes,
}


def _count(shape: Shape, area_px: float) -> int:
    return max(1, int(shape[0] * shape[1] / area_px))


def _rectangle(shape: Shape, rng: np.random.Generator) -> tuple[slice, slice]:
    height, width = rng.integers(4, 24, size=2)
    top, left = int(rng.integers(-height, shape[0])), int(rng.integers(-width, shape[1]))
    return slice(max(0, top), max(0, top + int(height))), slice(max(0, left), max(0, left + int(width)))


def _ellipse(shape: Shape, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
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


def _soften(image: Image) -> Image:
    softened: Image = ndimage.gaussian_filter(image, EDGE_SIGMA_PX)
    return softened


def _stretch(image: Image) -> Image:
    """Map an image to 0..1, the rarest half per cent at either end clipped."""
    low, high = np.percentile(image, (0.5, 99.5))
    stretched: Image = np.clip((image - low) / max(float(high - low), 1e-12), 0.0, 1.0)
    return stretched
