"""The size of a network is bounded from its settings alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ptycho.network.settings import NetworkSettings
from ptycho.network.size import require_like_size


def least_numbers(settings: NetworkSettings) -> int:
    """Ask the architecture."""
    return settings.kind.least_numbers(settings)


def test_kernels_of_the_cnn_are_counted() -> None:
    """Encoder of N = 64, scale 1, four images: 4-32-32, 32-64-64, 64-128-128."""
    pairs = [(4, 32), (32, 64), (64, 128)]
    expected = sum(9 * a * b + 9 * b * b for a, b in pairs)
    assert least_numbers(NetworkSettings(gridsize=2, n_filters_scale=1)) == expected


def test_every_pass_of_the_unet_counts() -> None:
    """Levels of 8, 16 and 32 channels, in each of three passes."""
    expected = 3 * 9 * (16 * (8 + 16) + 32 * (16 + 32))
    settings = NetworkSettings(architecture="unet", n_filters_scale=1, unet_stages=3)
    assert least_numbers(settings) == expected


def test_a_huge_description_is_refused_unbuilt() -> None:
    """A few bytes cannot make a reader take all memory; a small network is left to its weights."""
    weights = {"core/x": np.zeros((3, 4))}
    require_like_size(NetworkSettings(), weights)
    with pytest.raises(ValueError) as caught:  # noqa: PT011  The whole text is compared.
        require_like_size(NetworkSettings(architecture="unet", n_filters_scale=4096), weights)
    wanted = 2 * 9 * 4096**2 * (16 * 24 + 32 * 48)
    assert str(caught.value) == (
        f"the bundle describes a network of at least {wanted} numbers and holds 12\n"
        "  expected  the weights of that network\n"
        "  try       the file as `ptycho train` wrote it"
    )


def test_more_passes_than_arrays_are_refused_unbuilt() -> None:
    """Every pass has weights of its own: thousands of them out of a few arrays are never built."""
    weights = {"core/x": np.zeros((3, 4))}
    thin: dict[str, Any] = {"architecture": "unet", "n_filters_scale": 1}
    require_like_size(NetworkSettings(**thin, unet_stages=64), weights)
    with pytest.raises(ValueError) as caught:  # noqa: PT011  The whole text is compared.
        require_like_size(NetworkSettings(**thin, unet_stages=4096), weights)
    assert str(caught.value) == (
        "the bundle describes 4096 passes of a unet and holds 1 arrays\n"
        "  expected  the weights of that network\n"
        "  try       the file as `ptycho train` wrote it"
    )
