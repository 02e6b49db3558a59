"""Gradients kept within bounds relative to the weights that they change."""

from collections.abc import Iterable

import torch
from torch import Tensor

SMALLEST_WEIGHT_NORM = 1e-3
"""Units whose weights are still (nearly) zero may move as if their norm were this."""


def clip_adaptively(parameters: Iterable[Tensor], limit: float) -> None:
    """Scale down, unit by unit, every gradient longer than `limit` times the unit's weights.

    A unit is one output channel of a kernel; biases and scalars are one unit each element or as a whole.

    Args:
        parameters: Parameters with gradients; those without are passed over.
        limit: Largest allowed ratio of gradient norm to weight norm.

    Source:
        Brock, De, Smith and Simonyan, ICML 2021: adaptive gradient clipping.
    """
    for parameter in parameters:
        if parameter.grad is None:
            continue
        weight = _unit_norms(parameter.detach()).clamp(min=SMALLEST_WEIGHT_NORM)
        # A unit without a slope stays: the floor spares it 0 / 0.
        slope = _unit_norms(parameter.grad.detach())
        factor = (limit * weight / slope.clamp(min=1e-12)).clamp(max=1.0)
        parameter.grad.detach().mul_(factor)


def _unit_norms(values: Tensor) -> Tensor:
    """Return norms that broadcast against `values`: over all axes but the first."""
    if values.ndim <= 1:
        return values.abs()
    norms: Tensor = torch.linalg.vector_norm(values, dim=tuple(range(1, values.ndim)), keepdim=True)
    return norms
