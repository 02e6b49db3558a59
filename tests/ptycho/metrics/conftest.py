"""Objects to score: textures in amplitude and phase that have nothing to do with each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage


@pytest.fixture
def scene() -> Callable[..., NDArray[np.complex128]]:
    """Draw a smooth complex object of a size from a seed."""

    def draw(
        height: int, width: int, *, seed: int = 0, contrast: float = 0.12, depth: float = 0.6
    ) -> NDArray[np.complex128]:
        rng = np.random.default_rng(seed)
        parts = [ndimage.gaussian_filter(rng.standard_normal((height, width)), 2.5) for _ in range(2)]
        modulus, phase = (part / part.std() for part in parts)
        return np.clip(0.75 + contrast * modulus, 0.2, 1.2) * np.exp(1j * depth * phase)

    return draw


@pytest.fixture
def halves(shared_data) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
    """Give the real Siemens star from even and from odd frames, cut to one size."""
    with (
        np.load(shared_data("ref_siemens_halfA.npz")) as a,
        np.load(shared_data("ref_siemens_halfB.npz")) as b,
    ):
        return a["obj"][:477], b["obj"]


@pytest.fixture
def middle() -> NDArray[np.bool_]:
    """Mark the part of the halves where patch centres lie."""
    mask = np.zeros((477, 477), dtype=bool)
    mask[64:-64, 64:-64] = True
    return mask
