"""Small probes, patches and networks that the network tests share."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from ptycho.network.settings import NetworkSettings
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
