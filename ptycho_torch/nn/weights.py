"""Weights of a torch network under the names and axes of `ptycho.network.weights`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ptycho.network.weights import as_complex, as_parts, require_same_weights

from .model import PtychoNetwork
from .naming import canonical_array, canonical_name, canonical_shape, native

PROBE_PARTS = "probe_parts"


def export(network: PtychoNetwork) -> dict[str, NDArray[Any]]:
    """Return every weight, the probe and the scales under canonical names."""
    return {_canonical_name(name): _canonical(name, value) for name, value in network.state_dict().items()}


def load(network: PtychoNetwork, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Put exported arrays into a network, if `require_same_weights` accepts them; else change nothing."""
    state: dict[str, Tensor] = network.state_dict()
    names = {own: _canonical_name(own) for own in state}
    require_same_weights({names[own]: _canonical_shape(own, value) for own, value in state.items()}, arrays)
    loaded = {own: _native(own, np.asarray(arrays[name])) for own, name in names.items()}
    network.load_state_dict({own: value.to(state[own].dtype) for own, value in loaded.items()}, strict=True)


def _canonical(name: str, value: Tensor) -> NDArray[Any]:
    if name == PROBE_PARTS:
        return as_complex(value.detach().cpu().numpy())
    return canonical_array(value) if name.startswith("core.") else _plain(value)


def _canonical_name(name: str) -> str:
    if name == PROBE_PARTS:
        return "probe"
    return canonical_name(name) if name.startswith("core.") else name


def _canonical_shape(name: str, value: Tensor) -> tuple[int, ...]:
    if name == PROBE_PARTS:
        return tuple(value.shape[:-1])
    return canonical_shape(value) if name.startswith("core.") else tuple(value.shape)


def _native(name: str, array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(as_parts(array)) if name == PROBE_PARTS else native(array)


def _plain(value: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = torch.clone(value.detach()).cpu().numpy()
    return array


def count_parameters(module: nn.Module) -> int:
    """Count the numbers that training may change."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
