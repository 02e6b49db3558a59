"""`ptycho.physics.operations` in TensorFlow."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ptycho.physics.operations import IMAGE_AXES, Length, centring

real, imag, conj, join_parts = tf.math.real, tf.math.imag, tf.math.conj, tf.complex
absolute, square, sqrt, exp, log, tanh = tf.abs, tf.square, tf.sqrt, tf.exp, tf.math.log, tf.tanh
fft2, ifft2 = tf.signal.fft2d, tf.signal.ifft2d
reduce_sum, reduce_mean, reduce_max = tf.reduce_sum, tf.reduce_mean, tf.reduce_max
maximum, where, floor = tf.maximum, tf.where, tf.floor
reshape, broadcast_to, concat, stack, gather = tf.reshape, tf.broadcast_to, tf.concat, tf.stack, tf.gather
detach = tf.stop_gradient


def polar(modulus: tf.Tensor, phase: tf.Tensor, /) -> tf.Tensor:
    # Not tf.exp of a complex number: two real functions of real slopes, as torch.polar has them.
    return tf.complex(modulus * tf.cos(phase), modulus * tf.sin(phase))


def phase(values: tf.Tensor, /) -> tf.Tensor:
    # The slope of a phase has no limit at zero; like torch, take it to be zero there.
    # In a compiled step a bare number in front would settle the type of both branches as an integer.
    dark = tf.equal(values, 0)
    angles = tf.math.angle(tf.where(dark, tf.ones_like(values), values))
    return tf.where(dark, tf.zeros_like(angles), angles)


def to_index(values: tf.Tensor, /) -> tf.Tensor:
    return tf.cast(values, tf.int64)


def is_complex(values: tf.Tensor, /) -> bool:
    return bool(values.dtype.is_complex)


def power(values: tf.Tensor, /) -> tf.Tensor:
    # Not tf.abs: the slope of its root at zero is not a number.
    return tf.square(tf.math.real(values)) + tf.square(tf.math.imag(values))


def scale(values: tf.Tensor, factor: tf.Tensor | float, /) -> tf.Tensor:
    # Two real products: TensorFlow multiplies complex arrays by complex ones only.
    factor = tf.convert_to_tensor(factor, values.dtype.real_dtype)
    return tf.complex(tf.math.real(values) * factor, tf.math.imag(values) * factor)


def matmul(left: tf.Tensor, right: tf.Tensor, /, *, transpose_right: bool = False) -> tf.Tensor:
    return tf.matmul(left, right, transpose_b=transpose_right)


def fftshift(values: tf.Tensor, /) -> tf.Tensor:
    return tf.signal.fftshift(values, axes=IMAGE_AXES)


def ifftshift(values: tf.Tensor, /) -> tf.Tensor:
    return tf.signal.ifftshift(values, axes=IMAGE_AXES)


def turn(values: tf.Tensor, /) -> tf.Tensor:
    return tf.roll(tf.reverse(values, IMAGE_AXES), centring(values.shape), IMAGE_AXES)


def shape(values: tf.Tensor, /) -> tuple[Length, ...]:
    # Whole numbers where they are known, because Keras and slices want those.
    known = values.shape.as_list()
    if None not in known:
        return tuple(known)
    traced = tf.shape(values)
    return tuple(traced[axis] if length is None else length for axis, length in enumerate(known))


def scatter_add(values: tf.Tensor, index: tf.Tensor, like: tf.Tensor, /) -> tf.Tensor:
    return tf.math.unsorted_segment_sum(values, index, tf.size(like))


def arange(start: Length, stop: Length, like: tf.Tensor, /) -> tf.Tensor:
    return tf.cast(tf.range(start, stop), like.dtype.real_dtype)


def zeros(shape: Sequence[Length], like: tf.Tensor, /) -> tf.Tensor:
    return tf.zeros(shape, like.dtype)


def ones(shape: Sequence[Length], like: tf.Tensor, /) -> tf.Tensor:
    return tf.ones(shape, like.dtype)


def cast_like(values: tf.Tensor, like: tf.Tensor, /) -> tf.Tensor:
    return tf.cast(values, like.dtype)


def whole_pixels(values: tf.Tensor, /) -> tf.Tensor:
    return tf.cast(tf.math.ceil(tf.maximum(tf.reduce_max(tf.stop_gradient(values)), 0)), tf.int32)


def from_numpy(array: NDArray[Any], like: tf.Tensor, /) -> tf.Tensor:
    # Without the block a tensor lands on the first GPU, also where all others lie on the CPU.
    with tf.device(like.device):
        return tf.convert_to_tensor(array)


def to_numpy(values: tf.Tensor, /) -> NDArray[Any]:
    return np.asarray(values)
