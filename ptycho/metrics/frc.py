"""Fourier ring correlation: up to which spatial frequency two pictures say the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ptycho.physics.arrays import Complex, Inexact, Mask, Real, ShapeError

Against = Literal["half", "truth"]

# Against a truth the correlation is sqrt(SNR / (SNR + 1)): 0.5 stands for a signal-to-noise ratio of 1/3,
# near the .41 of half a bit.
TRUTH_THRESHOLD = 0.5
_TUKEY_TAPER = 0.5
SMALLEST_SIDE = 16
RECTANGULAR = 0.4
"""Share of the mask that a rectangle inside it must have to stand for it."""

FADING_PX = 8.0
"""Pixels over which a mask with holes fades: a sharp edge, the same in both pictures, would correlate."""


@dataclass(frozen=True)
class Frc:
    """A ring correlation and where it ends.

    Attributes:
        frequency: Middle of each ring in cycles/px, up to 0.5.
        curve: Signed correlation of each ring, -1 to 1.
        threshold: What the curve must stay above, for each ring.
        pixels: Fourier pixels in each ring.
        crossing: First frequency in cycles/px at which the curve falls below the threshold; 0.5 when it
            never does.
        against: "half": two independent halves, half-bit threshold; "truth": a truth, 0.5.
        pixel_size_m: Side of an object pixel in metres, None if unknown.
    """

    frequency: Real
    curve: Real
    threshold: Real
    pixels: NDArray[np.int64]
    crossing: float
    against: Against = "half"
    pixel_size_m: float | None = None

    @property
    def resolution_px(self) -> float:
        """Half period at the crossing, in pixels; 1 is the pixel itself."""
        return 0.5 / self.crossing if self.crossing > 0 else float("inf")

    @property
    def resolution_m(self) -> float | None:
        """Half period at the crossing in metres; None when the pixel size is unknown."""
        return None if self.pixel_size_m is None else self.resolution_px * self.pixel_size_m


def half_bit_threshold(pixels: NDArray[np.int64]) -> Real:
    """Give the correlation at which two independent halves together hold half a bit per pixel.

    Args:
        pixels: Fourier pixels in each ring.

    Source:
        van Heel and Schatz, J. Struct. Biol. 151, 250 (2005), equation 17.
    """
    root = np.sqrt(np.maximum(pixels, 1))
    threshold: Real = (0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root)
    return threshold


def frc(
    a: Inexact,
    b: Inexact,
    *,
    mask: Mask | None = None,
    against: Against = "half",
    pixel_size_m: float | None = None,
) -> Frc:
    """Correlate two pictures ring by ring in Fourier space, keeping the sign.

    Args:
        a: Real or complex picture, shape (H, W), aligned with the other.
        b: Picture of the same shape.
        mask: Area to compare; the largest rectangle inside it is taken, or all of it, fading towards its
            edges, where holes leave only small ones. None is everything.
        against: "half" for two independent halves, "truth" when b is a truth.
        pixel_size_m: Side of an object pixel in metres.

    Returns:
        Curve, threshold and crossing. The same pictures give 1 everywhere.

    Raises:
        ShapeError: The pictures differ in shape, or are smaller than 16 pixels.
        ValueError: A value is NaN or infinite.

    Source:
        Saxton and Baumeister, J. Microsc. 127, 127 (1982).
    """
    box = (slice(None), slice(None)) if mask is None else largest_rectangle(mask)
    window = None
    if mask is not None and a.shape == b.shape == mask.shape and _is_small(box, mask):
        box, window = _fading(mask)
        a, b = (np.where(mask, picture, 0) for picture in (a, b))
    a, b = a[box], b[box]
    if a.shape != b.shape or a.ndim != 2 or min(a.shape) < SMALLEST_SIDE:
        raise ShapeError(
            f"pictures of shape {a.shape} and {b.shape} have no ring correlation\n"
            "  expected  one shape (H, W), both sides 16 or more\n"
            "  try       ptycho.metrics.align.align first, or a larger scanned area"
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError(
            "a picture holds values that are NaN or infinite\n"
            "  expected  finite numbers\n"
            "  try       looking at the training loss: did it diverge?"
        )
    # Without a window the jump between opposite edges lays a cross over the spectrum, in both pictures alike,
    # and correlates.
    whole = np.outer(*(_tukey(length) for length in a.shape))
    window = whole if window is None else window
    # A window that leaves out a part of the area leaves as much less to know in each ring.
    filled = min(1.0, float(np.sum(window**2) / np.sum(whole**2)))
    spectra = [np.fft.fft2(window * (picture - _windowed_mean(picture, window))) for picture in (a, b)]
    return _correlate(spectra[0], spectra[1], against, pixel_size_m, filled)


def _is_small(box: tuple[slice, slice], mask: Mask) -> bool:
    """Tell whether the largest rectangle is too small to stand for a mask with holes."""
    height, width = (part.stop - part.start for part in box)
    small = height * width < RECTANGULAR * np.count_nonzero(mask)
    return bool(small) or min(height, width) < SMALLEST_SIDE


def _fading(mask: Mask) -> tuple[tuple[slice, slice], Real]:
    """Give the bounding box of a mask, and the mask in it, fading towards each of its edges."""
    from scipy import ndimage

    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return (slice(0, 0), slice(0, 0)), np.zeros((0, 0))
    box = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
    depth = ndimage.distance_transform_edt(np.pad(mask[box], 1))[1:-1, 1:-1]
    return box, np.asarray(np.sin(np.pi / 2 * np.minimum(depth / FADING_PX, 1.0)) ** 2)


def _tukey(length: int) -> Real:
    """Give 1 in the middle, and at each end a quarter of the length that falls to 0 like a cosine.

    Source:
        Harris, Proc. IEEE 66, 51 (1978), equation 38.
    """
    from_end = np.minimum(np.arange(length), np.arange(length)[::-1])
    share = np.minimum(from_end / (0.5 * _TUKEY_TAPER * (length - 1)), 1.0)
    return np.asarray(0.5 * (1 - np.cos(np.pi * share)))


def _correlate(a: Complex, b: Complex, against: Against, pixel_size_m: float | None, filled: float) -> Frc:
    side = min(a.shape)
    radius = np.hypot(np.fft.fftfreq(a.shape[0])[:, None], np.fft.fftfreq(a.shape[1])[None, :])
    # Rings are one pixel of the shorter side wide. Those in the corners, beyond its highest frequency, are
    # left out: no axis reaches them.
    ring = np.rint(radius * side).astype(np.int64).ravel()
    count = side // 2 + 1

    def summed(values: Real) -> Real:
        sums: Real = np.bincount(ring, weights=values.ravel(), minlength=count)[:count].astype(np.float64)
        return sums

    cross = summed((a * b.conj()).real)
    energy = np.sqrt(summed(np.abs(a) ** 2) * summed(np.abs(b) ** 2))
    curve = np.divide(cross, energy, out=np.zeros_like(cross), where=energy > 0)
    pixels = np.bincount(ring, minlength=count)[:count]
    frequency = np.arange(count) / side
    known = np.maximum(np.rint(filled * pixels), 1).astype(np.int64)
    threshold = half_bit_threshold(known) if against == "half" else np.full(count, TRUTH_THRESHOLD)
    # Ring 0 is the mean, which was taken out.
    keep = slice(1, None)
    return Frc(
        frequency=frequency[keep],
        curve=curve[keep],
        threshold=threshold[keep],
        pixels=pixels[keep],
        crossing=_first_crossing(frequency[keep], curve[keep] - threshold[keep]),
        against=against,
        pixel_size_m=pixel_size_m,
    )


def _first_crossing(frequency: Real, margin: Real) -> float:
    """Interpolate where the margin first turns negative; 0 when it starts so, 0.5 when it never does."""
    below = np.flatnonzero(margin < 0)
    if not len(below):
        return 0.5
    index = int(below[0])
    if index == 0:
        return 0.0
    above, under = margin[index - 1], margin[index]
    step = above / (above - under)
    return float(frequency[index - 1] + step * (frequency[index] - frequency[index - 1]))


def _windowed_mean(picture: Inexact, window: Real) -> complex:
    # The weighted mean: what the window would leave of a plain one leaks from ring 0 into the first rings.
    return complex(np.sum(window * picture) / np.sum(window))


def largest_rectangle(mask: Mask) -> tuple[slice, slice]:
    """Find the largest upright rectangle of True pixels, as row and column slices.

    Every row is the foot of a skyline of True pixels above it; a stack finds each skyline's best box.
    """
    heights = np.zeros(mask.shape[1], dtype=np.int64)
    best, box = 0, (slice(0, 0), slice(0, 0))
    # What stands on a row whose pixels all go on below grows with the next row: it is not the largest yet.
    ends = np.append((mask[:-1] & ~mask[1:]).any(axis=1), True)
    for row in range(mask.shape[0]):
        heights = np.where(mask[row], heights + 1, 0)
        if not ends[row]:
            continue
        area, left, right, height = _skyline(heights.tolist())
        if area > best:
            best, box = area, (slice(row + 1 - height, row + 1), slice(left, right))
    return box


def _skyline(heights: list[int]) -> tuple[int, int, int, int]:
    """Find the largest box under a skyline: area, left, right (exclusive), height."""
    stack: list[tuple[int, int]] = []
    best = (0, 0, 0, 0)
    for column, height in enumerate([*heights, 0]):
        left = column
        while stack and stack[-1][1] >= height:
            left, tall = stack.pop()
            best = max(best, (tall * (column - left), left, column, tall))
        stack.append((left, height))
    return best
