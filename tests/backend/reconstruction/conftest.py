"""A small scan with exact amplitudes, computed in numpy, and the backend that reconstructs it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from ptycho.physics import fourier
from ptycho.physics.canvas import Canvas
from ptycho.reconstruction.iteration import Measurement, SweepLibrary


@pytest.fixture(scope="session")
def library(backend: str) -> SweepLibrary:
    """Give the array library of the backend on the CPU."""
    if backend == "pytorch":
        from ptycho_torch.nn.iteration import TorchSweeps

        return TorchSweeps("cpu")
    from ptycho.tf.iteration import TensorFlowSweeps

    return TensorFlowSweeps("/CPU:0")


def round_probe(n: int, modes: int = 1) -> np.ndarray:
    """Return a curved Gaussian beam and weak tilted copies, on the network's scale (energy 2 (N/2)²)."""
    axis = np.arange(n) - n // 2
    x, y = np.meshgrid(axis, axis)
    beam = np.exp(-(x**2 + y**2) / (2 * (n / 8) ** 2) + 0.5j * (x**2 + y**2) / (n / 8) ** 2)
    stack = [beam * (1 if k == 0 else 0.7 * (x, y)[k % 2] / (n / 8)) for k in range(modes)]
    probe = np.array(stack)
    return (probe * np.sqrt(2 * (n / 2) ** 2 / np.sum(np.abs(probe) ** 2))).astype(np.complex64)


def moved(waves: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Move waves (..., N, N) by +offset = [x, y] pixels with Fourier interpolation."""
    frequency = np.fft.fftfreq(waves.shape[-1])
    ramp = np.exp(-2j * np.pi * (offset[1] * frequency[:, None] + offset[0] * frequency[None, :]))
    return np.fft.ifft2(np.fft.fft2(waves) * ramp)


@pytest.fixture(scope="session")
def move_waves() -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Give the reference of moving waves between pixels."""
    return moved


@dataclass
class Scanned:
    """A simulated scan with exact amplitudes: its frames, positions, object and probe."""

    X: np.ndarray
    positions: np.ndarray
    truth: np.ndarray
    probe: np.ndarray
    canvas: Canvas

    def frames(self, indices: np.ndarray) -> np.ndarray:
        """Give amplitudes by index."""
        return self.X[indices]

    def measurement(self, **changes: Any) -> Measurement:
        """Give the frames as they were measured, or with something else in their place."""
        return Measurement(**({"frames": self.frames, "positions": self.positions} | changes))


@pytest.fixture(scope="session")
def scanned() -> Callable[..., Scanned]:
    """Simulate 49 frames of a smooth object at positions between pixels, without noise."""

    def make(seed: int = 0, modes: int = 1, n: int = 32) -> Scanned:
        rng = np.random.default_rng(seed)
        positions = 4.0 * np.stack(np.meshgrid(np.arange(7), np.arange(7)), -1).reshape(-1, 2)
        positions += rng.uniform(-1.4, 1.4, positions.shape) + n
        canvas = Canvas.around(positions, n)
        smooth = ndimage.gaussian_filter(rng.standard_normal((2, *canvas.shape)), (0, 2.5, 2.5))
        smooth /= np.abs(smooth).max(axis=(1, 2), keepdims=True)
        truth = ((0.7 + 0.25 * smooth[0]) * np.exp(1j * smooth[1])).astype(np.complex64)
        probe = round_probe(n, modes)
        corners = positions - n // 2 - canvas.origin_px
        whole = np.rint(corners).astype(int)
        patches = np.stack([truth[y : y + n, x : x + n] for x, y in whole])
        probes = np.stack([moved(probe, rest) for rest in corners - whole])
        X = np.linalg.norm(fourier.propagate(patches[:, None] * probes), axis=1).astype(np.float32)
        return Scanned(X, positions, truth, probe, canvas)

    return make
