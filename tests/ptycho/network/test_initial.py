"""First weights follow Glorot's law and depend on name, shape and seed alone."""

import math

import numpy as np
import pytest

from ptycho.network.initial import TRANSPARENT, draw_kernel, initial_value

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


def test_the_object_starts_transparent():
    """Only what the amplitude is bounded from starts above zero: a dark object would learn light alone."""
    for part in ("centre", "frame"):
        bias = initial_value(f"core/amplitude_head/{part}/bias", (4,), 0)
        np.testing.assert_array_equal(bias, np.full(4, TRANSPARENT, np.float32))
    for name in (
        "phase_head/centre",
        "amplitude_head/frame_pair/conv0",
        "encoder/levels/0/conv0",
        "passes/0/last",
    ):
        assert not initial_value(f"core/{name}/bias", (4,), 0).any()
    assert initial_value("log_gain", (), 0) is None
