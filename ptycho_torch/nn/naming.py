"""Canonical names and axes of weights, and torch's own."""

from torch import Tensor

_LEAVES = {"weight": "kernel", "bias": "bias"}


def canonical_name(name: str) -> str:
    """Turn torch's name of a weight of the core into a path such as `core/encoder/levels/0/conv0/kernel`."""
    *path, leaf = name.split(".")
    return "/".join([*path, _LEAVES[leaf]])


def as_kernel(weight: Tensor) -> Tensor:
    """Order the axes of a convolution's weight as height, width, channels in, channels out."""
    return weight.permute(2, 3, 1, 0)


def as_weight(kernel: Tensor) -> Tensor:
    """Invert `as_kernel`."""
    return kernel.permute(3, 2, 0, 1)
