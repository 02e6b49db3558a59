"""Taking out what diffraction cannot know: the place, the global phase, the phase ramp and the scale.

Shape legend: H and W rows and columns of both pictures. Shifts and ramps are [x, y] = (columns, rows).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ptycho.physics.arrays import Complex, Mask, Real, ShapeError

SCANNED_FRACTION = 0.2
"""Coverage, as a fraction of the largest, from which a pixel counts as scanned."""

_SPARSE_SHARE = 0.25
"""Share of the places whose coverage is passed over as that of the rim when a usual one is looked for."""

_CROWDED = 2.0
"""Multiple of the usual coverage beyond which more light says nothing new about what is covered."""

_SETTLED_PX = 0.005
_MOST_ROUNDS = 12
_FARTHEST = 0.25
"""Largest shift that is looked for, as a fraction of the picture: beyond it too little is left to compare."""

_FEWEST_PX = 64
"""Pixels that a comparison needs: shift, slopes and scale are fitted to them."""

_WHOLLY = 0.999
"""Share of a shifted pixel that has to come from known pixels."""

_FINE_STEPS = 20
"""Samples per pixel of the correlation around its peak, before the parabola."""


@dataclass(frozen=True)
class Aligned:
    """Two pictures that may be compared pixel by pixel.

    Attributes:
        reconstruction: Shifted, flattened and scaled, shape (H, W) of the scanned area.
        reference: The reference on the same area.
        mask: True where both pictures are known.
        shift_px: [x, y] by which the reconstruction was moved.
        ramp_rad_per_px: Phase slope [x, y] that was taken off the reconstruction.
        scale: Complex factor that was multiplied on.
        corner_px: [x, y] of the area's pixel [0, 0] in the pictures that came in.
        settled: Whether the shift stopped moving.
    """

    reconstruction: Complex
    reference: Complex
    mask: Mask
    shift_px: tuple[float, float]
    ramp_rad_per_px: tuple[float, float]
    scale: complex
    corner_px: tuple[int, int]
    settled: bool

    @property
    def likeness(self) -> float:
        """Normalised inner product of the two pictures, 0 (nothing in common) to 1 (the same)."""
        a, b = self.reconstruction[self.mask], self.reference[self.mask]
        size = float(np.linalg.norm(a) * np.linalg.norm(b))
        return float(abs(np.vdot(a, b)) / size) if size > 0 else 0.0

    @property
    def unexplained(self) -> float:
        """Energy of the difference, as a share of the reference's contrast: 0 where the two are the same."""
        b = self.reference[self.mask]
        contrast = float(np.sum(np.abs(b - b.mean()) ** 2))
        difference = float(np.sum(np.abs(self.reconstruction[self.mask] - b) ** 2))
        return difference / contrast if contrast > 0 else np.inf


def scanned_area(coverage: Real, *, fraction: float = SCANNED_FRACTION) -> Mask:
    """Mark the pixels with at least a fraction of the largest coverage."""
    scanned: Mask = coverage >= fraction * np.max(coverage)
    return scanned & (coverage > 0)


def even_coverage(coverage: Real, positions: Real, origin_px: tuple[float, float]) -> Real:
    """Cut coverage off where positions crowd, so that a crowd does not make all else look bare.

    A raster keeps what it has. With 300 of 500 positions in one corner, a fortieth of the area has a fifth of
    the largest coverage; cut off at twice of what is usual from place to place, most of it has.

    Args:
        coverage: Summed weights, shape (H, W).
        positions: Patch centres [x, y], shape (n, 2).
        origin_px: [x, y] of pixel [0, 0] in the coordinates of the positions.
    """
    pixels = np.rint(np.asarray(positions) - origin_px).astype(int)
    pixels = pixels[np.all((pixels >= 0) & (pixels < coverage.shape[::-1]), axis=1)]
    if not len(pixels):
        return coverage
    # One position of each of as many cells as there are positions: a crowd fills few of them.
    first = pixels.min(axis=0)
    cells = (pixels - first) * int(len(pixels) ** 0.5) // (np.ptp(pixels, axis=0) + 1)
    column, row = pixels[np.unique(cells, axis=0, return_index=True)[1]].T
    usual = float(np.quantile(coverage[row, column], _SPARSE_SHARE))
    return np.minimum(coverage, _CROWDED * usual) if usual > 0 else coverage


def common_area(
    reconstruction: Complex,
    coverage: Real,
    origin_px: tuple[float, float],
    reference: Complex,
    *,
    reference_origin_px: tuple[float, float] = (0.0, 0.0),
) -> tuple[Complex, Complex, Mask]:
    """Cut both pictures to the area that they share, and mark what was scanned there.

    Args:
        reconstruction: Stitched object, shape (H, W).
        coverage: Its summed weights, shape (H, W).
        origin_px: [x, y] of its pixel [0, 0] in the coordinates of the scan.
        reference: Truth or reference, any shape.
        reference_origin_px: [x, y] of the reference's pixel [0, 0] in the same coordinates.

    Returns:
        Reconstruction, reference and mask of one shape.

    Raises:
        ValueError: The pictures share no pixel.
    """
    offset = np.rint(np.subtract(reference_origin_px, origin_px)).astype(int)
    ours, theirs = [], []
    for axis, step in ((0, int(offset[1])), (1, int(offset[0]))):
        start = max(0, step)
        stop = min(reconstruction.shape[axis], reference.shape[axis] + step)
        if stop <= start:
            raise ValueError(
                f"a reconstruction of {reconstruction.shape} at {tuple(origin_px)} and a reference of "
                f"{reference.shape} at {tuple(reference_origin_px)} share no pixel\n"
                "  expected  origins [x, y] in the same coordinates\n"
                "  try       data.position_origin = 'corner' or 'centre'"
            )
        ours.append(slice(start, stop))
        theirs.append(slice(start - step, stop - step))
    area = tuple(ours)
    return reconstruction[area], reference[tuple(theirs)], scanned_area(coverage)[area]


def align(reconstruction: Complex, reference: Complex, mask: Mask | None = None) -> Aligned:
    """Move, flatten and scale a reconstruction so that it fits a reference best.

    The shift is registered on products of neighbouring pixels, o(r + 1) conj(o(r)), which turn a ramp
    into a constant and a global phase into nothing. Ramp and global phase come from phasors of the
    difference, without unwrapping. Then one complex scale is fitted. Each round starts from the picture
    that came in, so that nothing is interpolated twice; rounds end when the shift has settled.

    Args:
        reconstruction: Complex picture, shape (H, W).
        reference: Complex picture of the same shape.
        mask: True where both are known; None is everywhere. Both are cropped to its bounding box. It
            moves with the reconstruction, and what it then leaves is not compared.

    Returns:
        The aligned pictures and what was taken out.

    Raises:
        ShapeError: The pictures differ in shape.
        ValueError: A value is NaN or infinite, or the mask leaves next to nothing.
    """
    a, b, known, corner = _crop(reconstruction, reference, mask)
    shift, ramp = np.zeros(2), np.zeros(2)
    settled = False
    for _ in range(_MOST_ROUNDS):
        moved, both = _move(a * _plane(a.shape, -ramp), known, shift)
        step = registered_shift(np.where(both, moved, 0), np.where(both, b, 0), both)
        moved, both = _move(a * _plane(a.shape, -ramp), known, shift + step)
        if not _within_reach(shift + step, both):
            break  # pictures that have nothing in common: each round would walk on
        shift = shift + step
        slope = phase_slope(moved * b.conj(), both)
        ramp = ramp + slope
        if np.abs(step).max() < _SETTLED_PX and np.abs(slope).max() * max(a.shape) < 1e-3:
            settled = True
            break
    moved, both = _move(a * _plane(a.shape, -ramp), known, shift)
    _require_pixels(both)
    energy = np.vdot(moved[both], moved[both]).real
    scale = complex(np.vdot(moved[both], b[both]) / energy) if energy > 0 else 0j
    return Aligned(
        reconstruction=(scale * moved).astype(reconstruction.dtype),
        reference=b.astype(reference.dtype),
        mask=both,
        shift_px=(float(shift[0]), float(shift[1])),
        ramp_rad_per_px=(float(ramp[0]), float(ramp[1])),
        scale=scale,
        corner_px=corner,
        settled=settled,
    )


def twin(picture: Complex) -> Complex:
    """Give the conjugate picture turned by half a turn, whose diffraction is the same: (..., H, W)."""
    return picture[..., ::-1, ::-1].conj()


def registered_shift(moving: Complex, fixed: Complex, mask: Mask) -> Real:
    """Find the displacement [x, y] of the content of one picture that fits it on another.

    Args:
        moving: Complex picture, shape (H, W).
        fixed: Complex picture of the same shape.
        mask: True where both count.

    Returns:
        Displacement in pixels, to a few hundredths, shape (2,). Phase ramps and global phases of either
        picture do not change it.

    Source:
        Guizar-Sicairos, Thurman and Fienup, Opt. Lett. 33, 156 (2008): upsampled matrix products.
    """
    # Twice the side: without the zeros the correlation is cyclic, and the far edge answers for the near one.
    size = [_fast_length(2 * length) for length in fixed.shape]
    spectrum = np.zeros(size, dtype=np.complex128)
    for axis in (0, 1):
        theirs = np.fft.fft2(_ramp_blind(fixed, mask, axis), size)
        spectrum += theirs * np.fft.fft2(_ramp_blind(moving, mask, axis), size).conj()
    correlation = np.fft.ifft2(spectrum).real
    rows, columns = (
        np.abs(np.fft.fftfreq(n, 1 / n)) <= _FARTHEST * length
        for n, length in zip(size, fixed.shape, strict=True)
    )
    correlation = np.where(rows[:, None] & columns[None, :], correlation, -np.inf)
    peak = np.unravel_index(np.argmax(correlation), correlation.shape)
    centre = np.array(
        [index - n if index > n // 2 else index for index, n in zip(peak, size, strict=True)], float
    )
    return _refined_peak(spectrum, centre)[::-1]


def phase_slope(difference: Complex, mask: Mask) -> Real:
    """Measure the linear phase [x, y] in rad/px of a phasor field, from differences at growing distances.

    Args:
        difference: Complex field whose phase is a ramp and some noise, shape (H, W).
        mask: True where the field counts.

    Returns:
        Slope, shape (2,). Neighbours give it without ambiguity, far pixels make it precise.
    """
    field = np.where(mask, difference, 0)
    slope = np.zeros(2)
    for index, axis in ((0, 1), (1, 0)):
        distance = 1
        while distance <= field.shape[axis] // 2:
            along = np.moveaxis(field, axis, 0)
            # A difference over d pixels tells the slope up to 2 pi / d; what shorter distances told is taken
            # off first.
            turn = np.sum(along[distance:] * along[:-distance].conj()) * np.exp(-1j * slope[index] * distance)
            if abs(turn) == 0:
                break
            slope[index] += np.angle(turn) / distance
            distance *= 2
    return slope


def _crop(
    reconstruction: Complex, reference: Complex, mask: Mask | None
) -> tuple[Complex, Complex, Mask, tuple[int, int]]:
    known = np.ones(reference.shape, dtype=bool) if mask is None else mask
    if not (reconstruction.shape == reference.shape == known.shape and reference.ndim == 2):
        raise ShapeError(
            f"a reconstruction of shape {reconstruction.shape}, a reference of {reference.shape} "
            f"and a mask of {known.shape} cannot be compared\n"
            "  expected  one shape (H, W)\n"
            "  try       ptycho.metrics.align.common_area"
        )
    _require_pixels(known)
    for name, picture in (("reconstruction", reconstruction), ("reference", reference)):
        bad = np.argwhere(known & ~np.isfinite(picture))
        if len(bad):
            raise ValueError(
                f"the {name} has {len(bad)} values that are NaN or infinite, the first at row {bad[0][0]}, "
                f"column {bad[0][1]}\n"
                "  expected  finite numbers in the compared area\n"
                "  try       looking at the training loss: did it diverge?"
            )
    rows, columns = np.flatnonzero(known.any(axis=1)), np.flatnonzero(known.any(axis=0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    known = known[box]
    a, b = (np.where(known, p[box], 0).astype(np.complex128) for p in (reconstruction, reference))
    # Spline shifts reach a few pixels beyond the mask: keep what is there, where it is a number.
    a = np.where(np.isfinite(reconstruction[box]), reconstruction[box], 0).astype(np.complex128)
    return a, b, known, (int(columns[0]), int(rows[0]))


def _within_reach(shift: Real, mask: Mask) -> bool:
    """Tell whether a shift [x, y] is no farther than is looked for, and leaves something to compare."""
    farthest = _FARTHEST * np.array(mask.shape[::-1])
    return bool(np.all(np.abs(shift) <= farthest)) and int(np.count_nonzero(mask)) >= _FEWEST_PX


def _require_pixels(mask: Mask) -> None:
    count = np.count_nonzero(mask)
    if count < _FEWEST_PX:
        raise ValueError(
            f"{count} pixels are left to compare\n"
            f"  expected  {_FEWEST_PX} or more that are scanned in both pictures\n"
            "  try       a larger scan, or a lower coverage fraction"
        )


def _fast_length(length: int) -> int:
    """Give the shortest length from the given one on that transforms fast: 2^k, 3 2^k, 5 2^k or 15 2^k."""
    return min(odd << max(0, math.ceil(math.log2(length / odd))) for odd in (1, 3, 5, 15))


def _plane(shape: tuple[int, ...], slope: Real) -> Complex:
    """Give exp(i slope . r), with r counted from the middle."""
    y, x = (np.arange(length) - length / 2 for length in shape)
    plane: Complex = np.exp(1j * slope[1] * y)[:, None] * np.exp(1j * slope[0] * x)[None, :]
    return plane


def _move(picture: Complex, known: Mask, shift: Real) -> tuple[Complex, Mask]:
    """Shift by a cubic spline, and tell which pixels are known before and after it."""
    if not np.any(shift):
        return picture, known
    from scipy import ndimage

    down_right = (shift[1], shift[0])
    # Cubic, because a linear shift by half a pixel wipes the highest frequency out, and scores would measure
    # the shift.
    moved = ndimage.shift(picture, down_right, order=3, mode="nearest")
    # Linear, for a cubic spline swings below 0 and above 1 beside an edge.
    arrived = ndimage.shift(known.astype(np.float32), down_right, order=1, mode="constant")
    return moved, known & (arrived > _WHOLLY)


def _ramp_blind(picture: Complex, mask: Mask, axis: int) -> Complex:
    """Multiply neighbours along an axis, take off the mean, and keep to the mask."""
    here = tuple(slice(None, -1) if axis == k else slice(None) for k in (0, 1))
    ahead = tuple(slice(1, None) if axis == k else slice(None) for k in (0, 1))
    counted = mask[ahead] & mask[here]
    product = np.where(counted, picture[ahead] * picture[here].conj(), 0)
    # A ramp has become a constant phase here. It is turned away in both pictures, because the peak is looked
    # for in the real part.
    total = product.sum()
    product = product * np.exp(-1j * np.angle(total))
    # A mean that stays would correlate with the other mask and pull the peak to no shift at all.
    blind: Complex = np.where(counted, product - product.sum() / max(1, np.count_nonzero(counted)), 0)
    return blind


def _refined_peak(spectrum: Complex, centre: Real) -> Real:
    """Sample the correlation finely around a whole-pixel peak, then fit a parabola per axis: [y, x]."""
    offsets = np.arange(-_FINE_STEPS, _FINE_STEPS + 1) / _FINE_STEPS
    waves = [
        np.exp(2j * np.pi * np.outer(centre[k] + offsets, np.fft.fftfreq(spectrum.shape[k]))) for k in (0, 1)
    ]
    fine = (waves[0] @ spectrum @ waves[1].T).real
    row, column = np.unravel_index(np.argmax(fine), fine.shape)
    rest = [_vertex(fine[:, column], int(row)), _vertex(fine[row], int(column))]
    offset_px = [offsets[row] + rest[0] / _FINE_STEPS, offsets[column] + rest[1] / _FINE_STEPS]
    top: Real = centre + np.array(offset_px)
    return top


def _vertex(line: Real, index: int) -> float:
    """Give the offset of a parabola's top from the largest sample, in samples."""
    if not 0 < index < len(line) - 1:
        return 0.0
    left, middle, right = line[index - 1 : index + 2]
    bend = left - 2 * middle + right
    return float(0.5 * (left - right) / bend) if bend < 0 else 0.0
