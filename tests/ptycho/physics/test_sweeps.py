"""What frames ask of object and probe."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho.physics import numpy_operations
from ptycho.physics.sweeps import Dampings, Estimate, FrameBatch, PatchPixels, StepKind, step

N = 16


def asked(measured: np.ndarray, *, saturated: bool) -> tuple[np.ndarray, np.ndarray]:
    """Let one frame ask a clear sample to change; give the change and the misfit."""
    axis = np.arange(N) - N // 2
    probe = np.exp(-np.add.outer(axis**2, axis**2) / 18).astype(np.complex64)[None]
    row = np.ones(N * N, np.complex64)
    window = np.arange(N * N).reshape(N, N)
    damping = np.float32(0.1)
    moved, misfit, _ = step(
        numpy_operations,
        StepKind(learn_probe=False, between_pixels=False, masked=False, saturated=saturated),
        Estimate(row, probe),
        FrameBatch(measured.astype(np.float32), np.zeros(1, np.int64), np.zeros((1, 2), np.float32)),
        PatchPixels(window, np.zeros(N, np.float32), np.ones((N, N), bool)),
        Dampings(damping, damping, np.float32(0.0)),
    )
    return moved.row - row, misfit


@pytest.fixture
def predicted() -> np.ndarray:
    """The frame of a clear sample."""
    axis = np.arange(N) - N // 2
    probe = np.exp(-np.add.outer(axis**2, axis**2) / 18)
    return np.abs(np.fft.fftshift(np.fft.fft2(probe, norm="ortho")))[None]


def test_a_saturated_pixel_asks_for_no_less(predicted: np.ndarray) -> None:
    """Where more is predicted than a pixel can show, a saturated one asks for nothing, another for less."""
    ceiling = 0.3 * predicted.max()
    clipped = np.minimum(predicted, ceiling)
    change, misfit = asked(np.where(predicted > ceiling, -clipped, clipped), saturated=True)
    assert np.abs(change).max() < 1e-5
    assert misfit[0] < 1e-6
    assert asked(clipped, saturated=False)[1][0] > 0.1


def test_a_saturated_pixel_asks_for_more(predicted: np.ndarray) -> None:
    """Where less is predicted than a saturated pixel shows, it asks for as much as any other pixel."""
    bright = 2 * predicted
    one_sided, plain = asked(-bright, saturated=True), asked(bright, saturated=False)
    for value, expected in zip(one_sided, plain, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)
