"""First weights follow Glorot's law and depend on name, shape and seed alone."""

import math

import numpy as np
import pytest

from ptycho.network.initial import draw_kernel

SHAPE = (3, 3, 16, 32)


def test_kernels_fill_glorots_interval():
    """Nothing lies outside the interval, and the spread is that of a uniform law."""
    kernel = draw_kernel("core/encoder/levels/0/conv0/kernel", SHAPE, 0)
    bound = math.sqrt(6 / (9 * (16 + 32)))
    assert kernel.dtype == np.float32
    assert np.abs(kernel).max() <= bound
    assert float(kernel.std()) == pytest.approx(bound / math.sqrt(3), rel=0.05)


def test_name_and_seed_decide():
    """Equal name and seed give equal weights; another name or seed gives others."""
    first = draw_kernel("a", SHAPE, 0)
    np.testing.assert_array_equal(first, draw_kernel("a", SHAPE, 0))
    assert not np.array_equal(first, draw_kernel("b", SHAPE, 0))
    assert not np.array_equal(first, draw_kernel("a", SHAPE, 1))
