"""How a test of both backends talks to torch."""

import copy
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ptycho.network.settings import NetworkSettings
from ptycho_torch.lit.module import PtychoModule
from ptycho_torch.nn import operations as ops
from ptycho_torch.nn.layers import Core, TorchLayers
from ptycho_torch.nn.model import PtychoNetwork, initialise
from ptycho_torch.nn.physics import PHYSICS
from ptycho_torch.nn.weights import count_parameters, export, load

__all__ = ["PHYSICS", "array", "build", "count_parameters", "export", "load", "ops", "predict", "tensor"]

layers = TorchLayers()


def tensor(array: Any) -> torch.Tensor:
    """Hand an array over."""
    return torch.from_numpy(np.array(array))


def array(value: torch.Tensor) -> np.ndarray:
    """Take an array back."""
    return value.detach().numpy()


def features(pixels: np.ndarray) -> torch.Tensor:
    """Hand features (B, F, N, N) over."""
    return tensor(pixels)


def pixels(value: torch.Tensor) -> np.ndarray:
    """Take features back as (B, F, N, N)."""
    return array(value)


def start(blocks: Any, seed: int = 0) -> Any:
    """Give blocks the weights to start from."""
    initialise(Core(blocks), seed)
    return blocks


def build(
    settings: NetworkSettings, probe: np.ndarray, scale: float, dtype: str, **more: Any
) -> PtychoNetwork:
    """Make a network in a precision."""
    network = PtychoNetwork(settings, probe, scale, **more)
    return network.double() if dtype == "float64" else network


def predict(network: PtychoNetwork, X: torch.Tensor, relative: torch.Tensor | None = None) -> Any:
    """Run the network."""
    return network(X, relative)


def slopes(function: Callable[..., torch.Tensor], *at: torch.Tensor) -> tuple[float, list[np.ndarray]]:
    """Give the value of a function of arrays, and its slope in each."""
    variables = [one.clone().requires_grad_() for one in at]
    value = function(*variables)
    return float(value.detach()), [array(slope) for slope in torch.autograd.grad(value, variables)]


def learned_slopes(network: PtychoNetwork, function: Callable[[], torch.Tensor]) -> dict[str, Any]:
    """Give the slope of a function in everything that the network learns; None where it has none."""
    network.zero_grad()
    function().backward()
    return {
        name: None if parameter.grad is None else array(parameter.grad)
        for name, parameter in network.named_parameters()
    }


def canonical_slopes(network: PtychoNetwork, function: Callable[[], torch.Tensor]) -> dict[str, Any]:
    """Give the slope of a function in what the network learns under canonical names."""
    slopes, weights = learned_slopes(network, function), network.state_dict()
    held = {
        n: torch.zeros_like(w) if slopes.get(n) is None else tensor(slopes[n]) for n, w in weights.items()
    }
    twin = copy.deepcopy(network)
    twin.load_state_dict(held)
    return export(twin)


def descend(network: PtychoNetwork, function: Callable[[], torch.Tensor], steps: int) -> list[float]:
    """Take steps of Adam, and give the values on the way."""
    optimiser, values = torch.optim.Adam(network.parameters(), lr=2e-3), []
    for _ in range(steps):
        value = function()
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        values.append(float(value.detach()))
    return values


def before_step(monkeypatch: pytest.MonkeyPatch, number: int, do: Callable[[], None]) -> None:
    """Do something at the start of one step of training, counted over all epochs."""
    real, numbers = PtychoModule.training_step, itertools.count()

    def step(self: PtychoModule, given: Any, batch_idx: int) -> torch.Tensor:
        if next(numbers) == number:
            do()
        return real(self, given, batch_idx)

    monkeypatch.setattr(PtychoModule, "training_step", step)


def checkpoint(path: Path) -> tuple[list[dict[str, float]], dict[str, np.ndarray]]:
    """Read a checkpoint: its history, and every number of weights and optimiser by name."""
    content = torch.load(path, weights_only=True)
    numbers = {name: array(value) for name, value in content["state_dict"].items()}
    for place, kept in content["optimizer_states"][0]["state"].items():
        numbers |= {f"{place}/{name}": np.asarray(value) for name, value in kept.items()}
    return content["history"], numbers
