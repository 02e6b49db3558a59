"""`ptycho.physics.operations` in numpy: what is written once for all backends runs without any, too.

Nothing here is differentiated; `detach` gives values as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .operations import IMAGE_AXES, centring

Values = NDArray[Any]

real = np.real
imag = np.imag
conj = np.conj
is_complex = np.iscomplexobj
phase = np.angle
absolute = np.abs
square = np.square
sqrt = np.sqrt
exp = np.exp
log = np.log
tanh = np.tanh
floor = np.floor
reduce_sum = np.sum
reduce_mean = np.mean
reduce_max = np.max
fft2 = np.fft.fft2
ifft2 = np.fft.ifft2
where = np.where
reshape = np.reshape
broadcast_to = np.broadcast_to
maximum = np.maximum
shape = np.shape


def to_index(values: Values, /) -> Values:
    """Give whole real values as integers."""
    return np.asarray(values, np.int64)


def join_parts(real: Values, imag: Values, /) -> Values:
    """Make complex values in the precision of their parts."""
    # Part by part: real + 1j * imag makes NaN of an infinite part.
    joined = np.empty(real.shape, np.result_type(real, np.complex64))
    joined.real, joined.imag = real, imag
    return joined


def polar(modulus: Values, phase: Values, /) -> Values:
    """Make complex values of moduli and phases in radians."""
    return join_parts(modulus * np.cos(phase), modulus * np.sin(phase))


def power(values: Values, /) -> Values:
    """Give the squared modulus."""
    return np.asarray(np.square(values.real) + np.square(values.imag))


def scale(values: Values, factor: Values | float, /) -> Values:
    """Multiply complex values by real ones."""
    return np.asarray(values * factor)


def matmul(left: Values, right: Values, /, *, transpose_right: bool = False) -> Values:
    """Multiply stacks of matrices."""
    return np.asarray(left @ (np.swapaxes(right, -1, -2) if transpose_right else right))


def fftshift(values: Values, /) -> Values:
    """Move zero frequency from pixel [0, 0] to [N/2, N/2]."""
    return np.asarray(np.fft.fftshift(values, axes=IMAGE_AXES))


def ifftshift(values: Values, /) -> Values:
    """Invert `fftshift`."""
    return np.asarray(np.fft.ifftshift(values, axes=IMAGE_AXES))


def turn(values: Values, /) -> Values:
    """Turn images by 180 degrees about pixel [N/2, N/2]."""
    return np.asarray(np.roll(np.flip(values, IMAGE_AXES), centring(values.shape), IMAGE_AXES))


def concat(parts: Sequence[Values], axis: int, /) -> Values:
    """Put arrays behind one another along an axis."""
    return np.concatenate(parts, axis=axis)


def stack(parts: Sequence[Values], axis: int = 0, /) -> Values:
    """Put arrays of one shape beside one another along a new axis."""
    return np.stack(parts, axis=axis)


def gather(values: Values, index: Values, /) -> Values:
    """Pick entries along the first axis."""
    return np.asarray(values[index])


def scatter_add(values: Values, index: Values, like: Values, /) -> Values:
    """Add values into bins, summed in double precision."""
    bins, flat, count = index.reshape(-1), values.reshape(-1), like.shape[0]
    # bincount adds real numbers only, and many times faster than add.at.
    if not np.iscomplexobj(flat):
        return np.bincount(bins, flat, count).astype(flat.dtype)
    return join_parts(*(np.bincount(bins, part, count).astype(part.dtype) for part in (flat.real, flat.imag)))


def arange(start: int, stop: int, like: Values, /) -> Values:
    """Count from start to stop in the real type of an array."""
    return np.arange(start, stop, dtype=like.real.dtype)


def zeros(shape: Sequence[int], like: Values, /) -> Values:
    """Make zeros in the type of an array."""
    return np.zeros(tuple(shape), like.dtype)


def ones(shape: Sequence[int], like: Values, /) -> Values:
    """Make ones in the type of an array."""
    return np.ones(tuple(shape), like.dtype)


def cast_like(values: Values, like: Values, /) -> Values:
    """Give real values or truths in the type of another array."""
    return np.asarray(values, like.dtype)


def detach(values: Values, /) -> Values:
    """Give the values themselves."""
    return values


def whole_pixels(values: Values, /) -> int:
    """Round the largest of the values up to whole pixels, 0 without values or below zero."""
    return math.ceil(max(float(values.max()), 0.0)) if values.size else 0


def from_numpy(array: Values, like: Values, /) -> Values:  # noqa: ARG001  There is one device.
    """Give the array itself."""
    return array


def to_numpy(values: Values, /) -> Values:
    """Give the array itself."""
    return values
