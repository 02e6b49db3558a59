"""Adaptive gradient clipping."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from ptycho_torch.lit.clipping import SMALLEST_WEIGHT_NORM, clip_adaptively


def kernel(seed: int, scale: float) -> torch.nn.Parameter:
    """Make a convolution kernel with a gradient of that size."""
    torch.manual_seed(seed)
    parameter = torch.nn.Parameter(torch.randn(5, 3, 3, 3))
    parameter.grad = scale * torch.randn(5, 3, 3, 3)
    return parameter


def norms(values: torch.Tensor) -> torch.Tensor:
    """Return the norm of each output channel."""
    return values.flatten(1).norm(dim=1)


@given(st.integers(0, 99), st.floats(1e-3, 1e3), st.floats(1e-3, 1.0))
def test_no_unit_moves_more_than_its_share(seed: int, scale: float, limit: float) -> None:
    """Each output channel's gradient is at most `limit` times its weights, in its old direction."""
    parameter = kernel(seed, scale)
    before = parameter.grad.clone()
    clip_adaptively([parameter], limit)
    bound = limit * norms(parameter.detach()).clamp(min=SMALLEST_WEIGHT_NORM)
    assert (norms(parameter.grad) <= bound * 1.0001).all()
    factor = norms(parameter.grad) / norms(before)
    assert torch.allclose(parameter.grad, before * factor[:, None, None, None], rtol=1e-4)


def test_small_gradients_are_left_alone() -> None:
    """Below the limit nothing changes, bit for bit."""
    parameter = kernel(0, 1e-6)
    before = parameter.grad.clone()
    clip_adaptively([parameter], 0.01)
    assert torch.equal(parameter.grad, before)


def test_zero_weights_can_still_move() -> None:
    """A bias that starts at zero gets a bounded, non-zero gradient; one without gradient is passed over."""
    bias, idle = torch.nn.Parameter(torch.zeros(4)), torch.nn.Parameter(torch.zeros(4))
    bias.grad = torch.tensor([5.0, -5.0, 0.0, 1e-9])
    clip_adaptively([bias, idle], 0.1)
    limit = 0.1 * SMALLEST_WEIGHT_NORM
    assert torch.allclose(bias.grad, torch.tensor([limit, -limit, 0.0, 1e-9]))
    assert idle.grad is None
