"""The smoothest object that data of known noise allow: total variation, weighed by photon statistics.

Pixels that no photon tells apart are drawn together; an edge that stands above the noise costs little more
the higher it is, and keeps its height. Real and imaginary parts share their edges.

Shape legend: H rows and W columns of the object. Fields of slopes have x first, shape (2, H, W).

Source:
    Rudin, Osher and Fatemi, Physica D 60, 259 (1992): total variation. Beck and Teboulle, IEEE Trans. Image
    Process. 18, 2419 (2009): its dual, solved with momentum. Candes, Wakin and Boyd, J. Fourier Anal. Appl.
    14, 877 (2008): limits that fall where an edge is known.
"""

from __future__ import annotations

import math

from .operations import Array, Operations

EDGE = 3.0
"""Slope of a noisy picture, as a multiple of the noise, that halves the limit: half of a noise-free step of
so much is kept. Noise alone has slopes of 2."""

SEEN_EDGE = 0.5
"""The same once noise is smoothed away, where the limit falls with the square of the slope."""

STEPS = 60
"""Steps of each of the two smoothings."""

_STEEPEST = 8.0
"""Largest factor by which going from a picture to its slopes and back enlarges it: |div grad|, two axes."""


def slopes(ops: Operations, picture: Array) -> Array:
    """Give the differences to the next pixel along x and y, zero at the last one: (H, W) to (2, H, W)."""
    height, width = picture.shape
    x = ops.concat([picture[:, 1:] - picture[:, :-1], ops.zeros((height, 1), picture)], 1)
    y = ops.concat([picture[1:] - picture[:-1], ops.zeros((1, width), picture)], 0)
    return ops.stack([x, y])


def divergence(ops: Operations, field: Array) -> Array:
    """Give minus the adjoint of `slopes`: (2, H, W) to (H, W)."""
    _, height, width = field.shape
    x, y = field[0][:, :-1], field[1][:-1]
    column, row = ops.zeros((height, 1), x), ops.zeros((1, width), y)
    along = ops.concat([x, column], 1) - ops.concat([column, x], 1)
    return along + ops.concat([y, row], 0) - ops.concat([row, y], 0)


def without_noise(ops: Operations, picture: Array, weight: Array, deviation: float, strength: float) -> Array:
    """Draw pixels together that noise does not tell apart, and leave alone what then stands out.

    Smoothed once, fine lines little above the noise lose height. So the picture is smoothed twice from the
    start: first everywhere, which shows where edges are, then where there are none.

    Measured at 7.9e4 photons a frame on lines of .2 rad: phase RMSE .0140 without, .0151 and
    .0143 after one and two smoothings of equal effect on noise.

    Args:
        ops: Array operations of the backend.
        picture: Complex object, shape (H, W).
        weight: Inverse variance of each pixel, above 0, shape (H, W).
        deviation: Standard deviation of a well lit pixel.
        strength: Limit in a flat place, as a multiple of 1 / deviation.
    """
    limit = strength / deviation
    noisy_edges = _slope_size(ops, picture) / (EDGE * deviation)
    rough = smoothed(ops, picture, weight, limit / (1 + noisy_edges), STEPS)
    edges = _slope_size(ops, rough) / (SEEN_EDGE * deviation)
    return smoothed(ops, picture, weight, limit / (1 + ops.square(edges)), STEPS)


def smoothed(ops: Operations, picture: Array, weight: Array, limit: Array, steps: int) -> Array:
    """Minimise sum weight |u - picture|² / 2 + sum limit |slopes of u| over u.

    Args:
        ops: Array operations of the backend.
        picture: Complex object, shape (H, W).
        weight: Inverse variance of each pixel, above 0, shape (H, W).
        limit: What a unit of slope costs, shape (H, W).
        steps: How many times the field of slopes that makes the picture smooth is improved.
    """
    share = 1 / weight
    pulls = ops.zeros((2, *ops.shape(picture)), picture)
    ahead, before, t = pulls, pulls, 1.0
    for _ in range(steps):
        raised = ahead + ops.scale(
            slopes(ops, picture + ops.scale(divergence(ops, ahead), share)), weight / _STEEPEST
        )
        size = ops.sqrt(ops.reduce_sum(ops.power(raised), 0))
        pulls = ops.scale(raised, 1 / ops.maximum(size / limit, 1.0))
        following = (1 + math.sqrt(1 + 4 * t * t)) / 2
        ahead = pulls + ops.scale(pulls - before, (t - 1) / following)
        before, t = pulls, following
    return picture + ops.scale(divergence(ops, pulls), share)


def _slope_size(ops: Operations, picture: Array) -> Array:
    return ops.sqrt(ops.reduce_sum(ops.power(slopes(ops, picture)), 0))
