"""Gradients kept within bounds: their common length, each number, or each unit relative to its weights."""

from collections.abc import Sequence

import tensorflow as tf

SMALLEST_WEIGHT_NORM = 1e-3
"""Units whose weights are still (nearly) zero may move as if their norm were this."""


def clip_norm(gradients: Sequence[tf.Tensor], limit: float) -> list[tf.Tensor]:
    """Scale all gradients down together where they are longer than `limit`."""
    length = tf.linalg.global_norm(gradients)
    # As torch.nn.utils.clip_grad_norm_, the same 1e-6 included; tf.clip_by_global_norm has none, and turns
    # every gradient into NaN where one is infinite.
    factor = tf.minimum(limit / (length + 1e-6), 1.0)
    return [gradient * factor for gradient in gradients]


def clip_value(gradients: Sequence[tf.Tensor], limit: float) -> list[tf.Tensor]:
    """Bound each number."""
    return [tf.clip_by_value(gradient, -limit, limit) for gradient in gradients]


def clip_adaptively(gradient: tf.Tensor, weight: tf.Tensor, limit: float) -> tf.Tensor:
    """Scale down, unit by unit, a gradient longer than `limit` times the unit's weights.

    A unit is one output channel of a kernel; biases and scalars are one unit each element or as a whole.

    Args:
        gradient: Slope of a loss, shape (height, width, in, out) or (out,).
        weight: What it changes, same shape.
        limit: Largest allowed ratio of gradient norm to weight norm.

    Source:
        Brock, De, Smith and Simonyan, ICML 2021: adaptive gradient clipping.
    """
    largest = limit * tf.maximum(_unit_norms(weight), SMALLEST_WEIGHT_NORM)
    # A unit without a slope stays: the floor spares it 0 / 0.
    return gradient * tf.minimum(largest / tf.maximum(_unit_norms(gradient), 1e-12), 1.0)


def _unit_norms(values: tf.Tensor) -> tf.Tensor:
    """Return norms that broadcast against `values`: over all axes but the last."""
    if values.shape.rank <= 1:
        return tf.abs(values)
    return tf.math.reduce_euclidean_norm(values, axis=tuple(range(values.shape.rank - 1)), keepdims=True)
