"""Moving a picture by a fraction of a pixel."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ptycho.physics.arrays import require_shape

_T = TypeVar("_T", bound=np.inexact)


def translate(image: NDArray[_T], d: ArrayLike) -> NDArray[_T]:
    """Move the content of images by +d, bilinear, with zeros flowing in.

    The adjoint is the translation by -d, exactly, for fractions of a pixel too.

    Args:
        image: Real or complex images, shape (..., H, W).
        d: Displacement [x, y] = (columns, rows) in pixels, shape (2,) for all images, or one for each,
            shape (..., 2).

    Returns:
        Images of the same shape and dtype.

    Raises:
        ShapeError: d is neither one displacement nor one for each image.
    """
    offsets = np.asarray(d, dtype=np.float64)
    if offsets.ndim <= 1:
        require_shape("d", offsets, (2,), "[dx, dy]")
        return _shift_axis(_shift_axis(image, offsets[1], -2), offsets[0], -1)
    require_shape("d", offsets, (*image.shape[:-2], 2), "one [dx, dy] for each image, or one for all")
    moved = np.empty_like(image)
    for index in np.ndindex(image.shape[:-2]):
        moved[index] = translate(image[index], offsets[index])
    return moved


def _shift_axis(image: NDArray[_T], distance: float, axis: int) -> NDArray[_T]:
    """Split a shift into whole pixels and a rest, and interpolate the rest linearly."""
    whole = math.floor(distance)
    rest = float(distance) - whole
    # A whole-pixel move is a copy, bit for bit.
    if rest == 0.0:
        return _roll_in_zeros(image, whole, axis)
    near, far = _roll_in_zeros(image, whole, axis), _roll_in_zeros(image, whole + 1, axis)
    moved: NDArray[_T] = (1.0 - rest) * near + rest * far
    return moved


def _roll_in_zeros(image: NDArray[_T], pixels: int, axis: int) -> NDArray[_T]:
    moved = np.zeros_like(image)
    length = image.shape[axis]
    if abs(pixels) >= length:
        return moved
    source = slice(max(0, -pixels), length - max(0, pixels))
    target = slice(max(0, pixels), length - max(0, -pixels))
    tail = () if axis == -1 else (slice(None),)
    moved[(..., target, *tail)] = image[(..., source, *tail)]
    return moved
