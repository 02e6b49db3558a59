"""The torch backend, as the worker calls it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ptycho_torch.lit.data import HostFrames, TorchGroups
from ptycho_torch.lit.trained_network import TrainedTorchNetwork as TrainedNetwork
from ptycho_torch.nn import operations
from ptycho_torch.nn.iteration import TorchSweeps as Sweeps
from ptycho_torch.nn.model import NetworkSettings, PtychoNetwork
from ptycho_torch.nn.physics import PHYSICS
from ptycho_torch.nn.weights import export, load

__all__ = ["PHYSICS", "Sweeps", "TrainedNetwork", "export", "load", "operations"]

FOREIGN = {"tensorflow", "keras", "jax"}

torch.set_num_threads(1)


def tensor(array: np.ndarray) -> torch.Tensor:
    """Hand an array over."""
    return torch.from_numpy(np.array(array))


def array(value: torch.Tensor) -> np.ndarray:
    """Take an array back."""
    return value.detach().numpy()


def build(settings: dict[str, Any], probe: np.ndarray, dtype: str) -> PtychoNetwork:
    """Make a network in a precision."""
    network = PtychoNetwork(NetworkSettings(**settings), probe, 1.0)
    return network.double() if dtype == "float64" else network


def predict(network: PtychoNetwork, X: torch.Tensor, relative: torch.Tensor) -> Any:
    """Run the network."""
    return network(X, relative)


def slope(function: Callable[[torch.Tensor], torch.Tensor], at: torch.Tensor) -> tuple[float, np.ndarray]:
    """Give the value of a function and its slope."""
    variable = at.clone().requires_grad_()
    value = function(variable)
    return float(value.detach()), array(torch.autograd.grad(value, variable)[0])


def weight_slopes(network: PtychoNetwork, function: Callable[[], torch.Tensor]) -> dict[str, np.ndarray]:
    """Give the slope of a function in everything that learns, under canonical names."""
    network.zero_grad()
    function().backward()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(parameter.grad)
    learned = {name for name, _ in network.named_parameters()}
    found = export(network)
    return {name: a for name, a in found.items() if name not in {"mask", "measured_scale"}} if learned else {}


def first_batch(groups: Any, store: Any, size: int) -> tuple[Any, ...]:
    """Give the first groups of a scan as a step sees them."""
    return tuple(value.numpy() for value in TorchGroups(groups, HostFrames(store)).__getitems__(range(size)))
