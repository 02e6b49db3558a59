"""Small probes, patches and networks that the network tests share."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy import ndimage

from ptycho.network.settings import NetworkSettings
from ptycho.physics.sweeps import canvas_of
from ptycho_torch.nn import iteration, physics
from ptycho_torch.nn.model import PtychoNetwork


def round_probe(n: int, modes: int = 1) -> np.ndarray:
    """Return a curved Gaussian beam and weak tilted copies, on the network's scale (energy 2 (N/2)²)."""
    axis = np.arange(n) - n // 2
    x, y = np.meshgrid(axis, axis)
    beam = np.exp(-(x**2 + y**2) / (2 * (n / 8) ** 2) + 0.5j * (x**2 + y**2) / (n / 8) ** 2)
    stack = [beam * (1 if k == 0 else 0.7 * (x, y)[k % 2] / (n / 8)) for k in range(modes)]
    probe = np.array(stack)
    return (probe * np.sqrt(2 * (n / 2) ** 2 / np.sum(np.abs(probe) ** 2))).astype(np.complex64)


@pytest.fixture
def rng() -> np.random.Generator:
    """The one source of randomness of a test."""
    return np.random.default_rng(7)


@pytest.fixture
def make_network() -> Callable[..., PtychoNetwork]:
    """Build a network of given settings with the round probe."""

    def make(**values: object) -> PtychoNetwork:
        settings = NetworkSettings(**({"n_filters_scale": 1} | values))  # type: ignore[arg-type]
        torch.manual_seed(0)
        return PtychoNetwork(settings, round_probe(settings.N, settings.probe_modes), 988.2118)

    return make


@dataclass
class Scanned:
    """A simulated scan with exact amplitudes: tensors for the object, its probe, its frames."""

    X: torch.Tensor
    positions: np.ndarray
    truth: torch.Tensor
    probe: torch.Tensor
    origin: tuple[int, int]

    def frames(self, indices: np.ndarray) -> torch.Tensor:
        """Give amplitudes by index."""
        return self.X[indices]


@pytest.fixture
def scanned() -> Callable[..., Scanned]:
    """Simulate 49 frames of a smooth object at positions between pixels, without noise."""

    def make(seed: int = 0, modes: int = 1, n: int = 32) -> Scanned:
        rng = np.random.default_rng(seed)
        positions = 4.0 * np.stack(np.meshgrid(np.arange(7), np.arange(7)), -1).reshape(-1, 2)
        positions += rng.uniform(-1.4, 1.4, positions.shape) + n
        origin, shape = canvas_of(positions, n)
        smooth = ndimage.gaussian_filter(rng.standard_normal((2, *shape)), (0, 2.5, 2.5))
        smooth /= np.abs(smooth).max(axis=(1, 2), keepdims=True)
        truth = ((0.7 + 0.25 * smooth[0]) * np.exp(1j * smooth[1])).astype(np.complex64)
        probe = torch.from_numpy(round_probe(n, modes))
        whole = np.rint(positions - n // 2 - origin).astype(int)
        rest = torch.from_numpy((positions - n // 2 - origin - whole).astype(np.float32))
        patches = np.stack([truth[y : y + n, x : x + n] for x, y in whole])
        modes_there = iteration.shift(probe.expand(len(positions), *probe.shape), rest)
        X = physics.amplitude(torch.from_numpy(patches)[:, None] * modes_there)
        return Scanned(X, positions, torch.from_numpy(truth), probe, origin)

    return make
