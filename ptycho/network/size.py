"""How many numbers a network has at least, known before any memory is taken for it."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from numpy.typing import NDArray

from .architecture import CNN_FILTERS, UNET_LEVELS, UNET_WIDTH
from .settings import NetworkSettings

SMALL_NETWORK = 10**8
"""Numbers of a network that fits into any memory; its weights may tell best what is wrong with it."""

FEW_STAGES = 64
"""Passes of the unet that are built in no time."""


def least_numbers(settings: NetworkSettings) -> int:
    """Count the kernels that hold most of a network: a lower bound of all its numbers."""
    if settings.architecture == "cnn":
        filters = [settings.n_filters_scale * base for base in CNN_FILTERS[settings.N]]
        return sum(_pair(*channels) for channels in pairwise([settings.positions, *filters]))
    width = settings.n_filters_scale * UNET_WIDTH
    return settings.unet_stages * sum(
        _pair(width * 2 ** (level - 1), width * 2**level) for level in range(1, UNET_LEVELS + 1)
    )


def _pair(channels: int, filters: int) -> int:
    """Count the kernels of two 3 x 3 convolutions in a row."""
    return 9 * filters * (channels + filters)


def require_like_size(settings: NetworkSettings, weights: Mapping[str, NDArray[Any]]) -> None:
    """Refuse a network that is far larger than the weights that were stored for it.

    Raises:
        ValueError: It is, and too large to be built just to see.
    """
    wanted, held = least_numbers(settings), sum(array.size for array in weights.values())
    if wanted > max(held, SMALL_NETWORK):
        raise ValueError(
            f"the bundle describes a network of at least {wanted} numbers and holds {held}\n"
            "  expected  the weights of that network\n"
            "  try       the file as `ptycho train` wrote it"
        )
    if settings.architecture == "unet" and settings.unet_stages > max(len(weights), FEW_STAGES):
        raise ValueError(
            f"the bundle describes {settings.unet_stages} passes of a unet and holds {len(weights)} arrays\n"
            "  expected  the weights of that network\n"
            "  try       the file as `ptycho train` wrote it"
        )
