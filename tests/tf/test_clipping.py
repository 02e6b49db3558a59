"""Gradients kept within bounds: all together, each number, or each unit relative to its weights."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from ptycho.tf.clipping import SMALLEST_WEIGHT_NORM, clip_adaptively, clip_norm, clip_value

SEEDS, SCALES, LIMITS = st.integers(0, 99), st.floats(1e-3, 1e3), st.floats(1e-3, 1.0)


def draw(seed: int, scale: float) -> list[np.ndarray]:
    """Draw gradients of a kernel, a bias and a scalar of about that size."""
    rng = np.random.default_rng(seed)
    return [(scale * rng.standard_normal(shape)).astype(np.float32) for shape in ((3, 3, 2, 5), (5,), ())]


def clip(
    function: Callable[..., list[tf.Tensor]], arrays: list[np.ndarray], limit: float
) -> list[np.ndarray]:
    """Clip arrays."""
    return [clipped.numpy() for clipped in function([tf.constant(a) for a in arrays], limit)]


def length(arrays: list[np.ndarray]) -> float:
    """Return the common Euclidean length."""
    return float(np.sqrt(sum(np.sum(np.square(a, dtype=np.float64)) for a in arrays)))


def norms(values: np.ndarray) -> np.ndarray:
    """Return the norm of each output channel, the last axis."""
    return np.sqrt(np.sum(np.square(values, dtype=np.float64), axis=tuple(range(values.ndim - 1))))


@given(SEEDS, SCALES, LIMITS)
def test_common_length_is_bounded(seed: int, scale: float, limit: float) -> None:
    """All gradients shrink by one factor, to the limit at most: torch's clip_grad_norm_ in numpy."""
    arrays = draw(seed, scale)
    found = clip(clip_norm, arrays, limit)
    assert length(found) <= limit * 1.0001
    factor = min(1.0, limit / (length(arrays) + 1e-6))
    for before, after in zip(arrays, found, strict=True):
        assert after == pytest.approx(before * factor, rel=1e-4, abs=1e-12)


@given(SEEDS, SCALES, LIMITS)
def test_each_number_is_bounded(seed: int, scale: float, limit: float) -> None:
    """Numbers beyond the limit end on it, all others stay: torch's clip_grad_value_ in numpy."""
    arrays = draw(seed, scale)
    bound = np.float32(limit)
    for before, after in zip(arrays, clip(clip_value, arrays, limit), strict=True):
        assert np.array_equal(after, np.clip(before, -bound, bound))


@given(SEEDS, SCALES, LIMITS)
def test_no_unit_moves_more_than_its_share(seed: int, scale: float, limit: float) -> None:
    """Each output channel's gradient is at most `limit` times its weights, in its old direction."""
    weight, gradient = draw(seed, 1.0)[0], draw(seed + 100, scale)[0]
    found = clip_adaptively(tf.constant(gradient), tf.constant(weight), limit).numpy()
    bound = limit * np.maximum(norms(weight), SMALLEST_WEIGHT_NORM)
    assert (norms(found) <= bound * 1.0001).all()
    factor = np.minimum(bound / norms(gradient), 1.0)
    assert found == pytest.approx(gradient * factor, rel=1e-4, abs=1e-12)


@pytest.mark.parametrize("function", [clip_norm, clip_value])
def test_small_gradients_are_left_alone(function: Callable[..., list[tf.Tensor]]) -> None:
    """Below the limit nothing changes, bit for bit."""
    arrays = draw(0, 1e-6)
    for before, after in zip(arrays, clip(function, arrays, 0.01), strict=True):
        assert np.array_equal(after, before)


def test_small_units_are_left_alone() -> None:
    """Below their share units keep their gradient, bit for bit, beside one that is clipped."""
    weight = np.ones((3, 3, 2, 4), np.float32)
    gradient = np.full_like(weight, 1e-6)
    gradient[..., 2] = 5.0
    found = clip_adaptively(tf.constant(gradient), tf.constant(weight), 0.01).numpy()
    assert np.array_equal(found[..., [0, 1, 3]], gradient[..., [0, 1, 3]])
    assert found[..., 2] == pytest.approx(0.01)


def test_zero_weights_can_still_move() -> None:
    """A bias that starts at zero gets a bounded, non-zero gradient, element by element."""
    gradient = tf.constant([5.0, -5.0, 0.0, 1e-9])
    found = clip_adaptively(gradient, tf.zeros(4), 0.1).numpy()
    limit = 0.1 * SMALLEST_WEIGHT_NORM
    assert found == pytest.approx(np.array([limit, -limit, 0.0, 1e-9]))


def test_gradients_of_zero_stay_zero() -> None:
    """Where there is nothing to bound, nothing becomes a NaN."""
    zeros = [np.zeros((3, 3, 2, 5), np.float32), np.zeros((), np.float32)]
    assert length(clip(clip_norm, zeros, 1.0)) == 0
    assert not clip_adaptively(tf.constant(zeros[0]), tf.ones((3, 3, 2, 5)), 0.1).numpy().any()
