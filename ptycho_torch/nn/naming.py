"""Canonical names and axes of weights, and torch's own."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_LEAVES = {"weight": "kernel"}


def canonical_name(name: str) -> str:
    """Turn torch's name of a weight of the core into a path such as `core/encoder/levels/0/conv0/kernel`."""
    *path, leaf = name.split(".")
    return "/".join([*path, _LEAVES.get(leaf, leaf)])


def canonical_array(weight: Tensor) -> NDArray[Any]:
    """Give a weight with canonical axes."""
    return np.array(_canonical(weight.detach()).cpu().numpy(), order="C")


def canonical_shape(weight: Tensor) -> tuple[int, ...]:
    """Give the shape of what `canonical_array` gives, without a copy."""
    return tuple(_canonical(weight).shape)


def _canonical(weight: Tensor) -> Tensor:
    """Reorder the axes of a view: torch has channels out and in before height and width."""
    return weight.permute(2, 3, 1, 0) if weight.ndim == 4 else weight


def native(array: NDArray[Any]) -> Tensor:
    """Invert `canonical_array`."""
    return torch.from_numpy(np.array(array.transpose(3, 2, 0, 1) if array.ndim == 4 else array, order="C"))
