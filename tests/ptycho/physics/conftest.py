"""Fields to test physics on: a defocused probe, a smooth object, and Hypothesis strategies for both."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage


@pytest.fixture
def waves() -> Callable[..., NDArray[np.complex128]]:
    """Draw complex noise of any shape from a seed."""

    def draw(seed: int, *shape: int) -> NDArray[np.complex128]:
        rng = np.random.default_rng(seed)
        return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)

    return draw


@pytest.fixture
def probe() -> NDArray[np.complex128]:
    """Give a defocused Gaussian probe of one mode, 32 pixels."""
    y, x = np.mgrid[:32, :32] - 16
    r2 = x**2 + y**2
    return (np.exp(-r2 / (2 * 5.0**2)) * np.exp(0.02j * r2))[None]


@pytest.fixture
def scene() -> Callable[..., NDArray[np.complex128]]:
    """Draw a smooth complex object of a size from a seed: amplitudes 0.4 to 1, phases of half a radian."""

    def draw(height: int, width: int, *, seed: int = 0) -> NDArray[np.complex128]:
        rng = np.random.default_rng(seed)
        parts = [ndimage.gaussian_filter(rng.standard_normal((height, width)), 3) for _ in range(2)]
        modulus, phase = (part / part.std() for part in parts)
        return np.clip(0.75 + 0.12 * modulus, 0.4, 1.0) * np.exp(0.5j * phase)

    return draw
