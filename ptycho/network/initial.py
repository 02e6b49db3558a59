"""Weights to start from: a function of name, shape and seed, so that both backends start alike."""

import math
import zlib

import numpy as np
from numpy.typing import NDArray

AMPLITUDE_LAYERS = ("amplitude_head/centre/bias", "amplitude_head/frame/bias")

TRANSPARENT = 1.0
"""Bias from which these layers start: the object lets most of the light through, whatever bounds it.

From a bias of zero, swish and relu start from a dark object. Its Poisson loss asks for light with a slope
that drowns everything else: a 'cnn' of four positions and full width answered every group alike after one
epoch of 512 groups, and still after five."""


def draw_kernel(name: str, shape: tuple[int, int, int, int], seed: int) -> NDArray[np.float32]:
    """Draw a convolution kernel from Glorot's uniform law.

    Weaker initialisations shrink the signal from level to level; with a Poisson loss the image then
    collapses to a constant.

    Args:
        name: Canonical name of the weight.
        shape: Height, width, channels in, channels out.
        seed: Seed of the training.

    Returns:
        The kernel, axes as in `shape`.

    Source:
        Glorot and Bengio, AISTATS 2010.
    """
    height, width, channels, filters = shape
    limit = math.sqrt(6 / (height * width * (channels + filters)))
    # The name seeds too: a weight starts the same however many others are drawn before it.
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def initial_value(name: str, shape: tuple[int, ...], seed: int) -> NDArray[np.float32] | None:
    """Give the values that a weight starts from, or None where its layer knows better.

    Args:
        name: Canonical name of the weight.
        shape: Canonical axes.
        seed: Seed of the training.
    """
    if name.endswith("/kernel") and len(shape) == 4:
        height, width, channels, filters = shape
        return draw_kernel(name, (height, width, channels, filters), seed)
    if name.endswith("/bias"):
        return np.full(shape, TRANSPARENT if name.endswith(AMPLITUDE_LAYERS) else 0.0, np.float32)
    return None
