"""Overlapping patches become one picture: within a group for the overlap constraint, and of a whole scan."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptycho.physics.arrays import Complex, Inexact, Real, require_finite, require_shape, require_weights
from ptycho.physics.canvas import Canvas, cut, place, require_positions
from ptycho.physics.limits import COVERAGE_FLOOR
from ptycho.physics.translate import translate

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "Canvas",
    "Stitched",
    "cut",
    "extract_group",
    "merge_group",
    "stitch",
]


@dataclass(frozen=True)
class Stitched:
    """A picture made of patches.

    Attributes:
        object: Weighted mean of the patches, shape (H, W); zero where no weight reaches.
        coverage: Summed weights, in units of the largest weight of one patch, shape (H, W), float32.
        origin_px: [x, y] of pixel [0, 0] in the coordinates of the positions.
    """

    object: Complex
    coverage: NDArray[np.float32]
    origin_px: tuple[int, int]


def canvas_side(relative: Real, N: int) -> int:
    """Find the side of a square canvas on which no patch of a group is cut off."""
    return N + 2 * math.ceil(float(np.max(np.abs(relative), initial=0.0)))


def merge_group(patches: Complex, relative: Real, weights: Real) -> Complex:
    """Average the patches of one group on a canvas of their own, each at its own offset.

    Args:
        patches: Complex patches of one group, shape (C, N, N).
        relative: Group mean minus position, [x, y] in pixels, shape (C, 2).
        weights: Confidence of each patch pixel, not negative, shape (N, N) or (C, N, N).

    Returns:
        Canvas of side N + 2 ceil(max |relative|), same dtype; its middle is the group mean. A pixel that
        no weight reaches is zero.

    Raises:
        ShapeError: The shapes do not belong together; a batch of groups has one axis too many.
    """
    require_shape("patches", patches, ("C", patches.shape[-1], patches.shape[-1]), "one group at a time")
    count, N = patches.shape[0], patches.shape[-1]
    require_shape("relative", relative, (count, 2), "one [x, y] for each patch")
    require_weights(weights, count, N)
    margin = (canvas_side(relative, N) - N) // 2
    edge = ((0, 0), (margin, margin), (margin, margin))
    weights = np.broadcast_to(weights.astype(patches.real.dtype, copy=False), patches.shape)
    # Weights take the same way, so that a constant stays that constant under any fraction of a pixel.
    weighted = translate(np.pad(patches * weights, edge), -relative).sum(axis=0)
    total = translate(np.pad(weights, edge), -relative).sum(axis=0)
    return weighted_mean(weighted, total)


def extract_group(canvas: Complex, relative: Real, N: int) -> Complex:
    """Cut each position's window out of the canvas of its group; the adjoint of the unweighted placing.

    Args:
        canvas: Merged group, shape (M, M).
        relative: Group mean minus position, [x, y] in pixels, shape (C, 2).
        N: Patch side, at most M.

    Returns:
        Patches, shape (C, N, N).

    Raises:
        ShapeError: The canvas is not square, or the offsets are not pairs.
    """
    require_shape("canvas", canvas, (canvas.shape[-1], canvas.shape[-1]), "one group at a time")
    require_shape("relative", relative, ("C", 2), "one [x, y] for each patch")
    margin = (canvas.shape[-1] - N) // 2
    middle = slice(margin, margin + N)
    copies = np.broadcast_to(canvas, (len(relative), *canvas.shape))
    return translate(copies, relative)[:, middle, middle]


def stitch(patches: Complex, positions: Real, weights: Real, *, canvas: Canvas | None = None) -> Stitched:
    """Lay all patches of a scan on the object plane and take their weighted mean.

    Args:
        patches: One patch for each position, shape (n, N, N).
        positions: Patch centres [x, y] in pixels of the object, shape (n, 2).
        weights: Confidence of each patch pixel, not negative, shape (N, N): |P|² or a window.
        canvas: The piece of the object plane wanted; None takes all that the patches reach.

    Returns:
        Picture, coverage and origin. A constant stays that constant; what no weight reaches is zero.

    Raises:
        ShapeError: The shapes do not belong together.
        ValueError: A patch or position is not finite, or the weights are negative, NaN or all zero.
    """
    require_shape(
        "patches", patches, ("n", patches.shape[-1], patches.shape[-1]), "patches[None] for a single one"
    )
    count, N = patches.shape[0], patches.shape[-1]
    require_positions(positions, count)
    require_shape("weights", weights, (N, N), "one weight for each patch pixel")
    require_weights(weights, count, N)
    require_finite(patches, "looking at the training loss: did it diverge?")
    # Weights come in any unit; relative to the largest, coverages of different probes compare.
    unit = (weights / weights.max()).astype(patches.real.dtype)
    canvas = canvas or Canvas.around(positions, N)
    total = place(unit, positions, canvas)
    weighted = np.zeros(canvas.shape, dtype=patches.dtype)
    for start in range(0, count, _BATCH):
        span = slice(start, start + _BATCH)
        weighted += place(patches[span] * unit, positions[span], canvas)
    return Stitched(
        object=weighted_mean(weighted, total), coverage=total.astype(np.float32), origin_px=canvas.origin_px
    )


_BATCH = 4096
"""Patches weighted at once, so that a long scan is not copied whole."""


def weighted_mean(weighted: Complex, total: Inexact) -> Complex:
    """Divide a weighted sum by its weights; where next to no weight arrived the mean is zero."""
    reached = total > COVERAGE_FLOOR * np.max(total, initial=0.0)
    mean = np.zeros_like(weighted)
    np.divide(weighted, total, out=mean, where=reached)
    return mean
