"""Colour maps, as values between 0 and 1 become pixels: a few known colours of each, and lines between them.

Source:
    Viridis, magma and inferno by Smith, van der Walt and Firing (2015, CC0); twilight by Bechtold (2017,
    CC0), turned by half a circle so that zero is its middle; RdBu by Brewer (colorbrewer2.org), reversed.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVELS = 256
"""Colours of a map: as many as a byte tells apart."""

_ANCHORS = {
    "gray": "000000ffffff",
    "viridis": (
        "440154470d6048186a482374472d7b4537814240863e49893b528b375b8d33638d2f6b8e2c728e297a8e26828e23898e219"
        "18c1f978b1f9f8821a68527ad8131b57b3dbc744cc26c5cc8636ece5881d34d95d840aadc32c0df25d5e21aeae51afde725"
    ),
    "magma": (
        "0000040303120a0822130d341d114729115a36106b440f7651127c5d177f6a1c81762181832681902a819c2e7faa337db73"
        "779c23b75cf4070db476ae55064ee5b5ef4695cf9785dfb8761fd9668fea571feb47bfec287fed194fde0a1fceeb0fcfdbf"
    ),
    "inferno": (
        "0000040403120b0724150b37210c4a2f0a5b3d09654a0c6b57106e64156e71196e7d1e6d8a226a972766a32c61b0315bbc3"
        "754c63d4dd04545da4e3ce35933eb6429f1711ff67e14f98c0afb9b06fcaa0ffbba1ff9c932f5d949f2e865f3f586fcffa4"
    ),
    "twilight_shifted": (
        "30143734113e3911463f125146145e4c176b521c795723855a2b905c359a5d3ea15e48a85e52ad5f5bb25f65b5606eb8627"
        "7bb647ebc6887be6c8fbf7297c1799fc281a6c38aaec595b5c7a0bcc9acc2ccb8c9d0c4ced4ced3d9d7d7ddded9e1e2d9e2"
    ),
    "RdBu_r": (
        "0530610e41791752901f63a82a71b23480b93f8ec0529dc86bacd184bcd99bc9e0aed3e6c2ddecd4e6f1e0ecf3ecf2f5f7f"
        "6f6f9efe9fbe6dafdddcbfbceb7f8bda1f5ac8bef9979e58368dc6e57d25849c6413ebb2a34ae172a960f277f082367001f"
    ),
}


def colours_of(values: NDArray[Any], limits: tuple[float, float], name: str) -> NDArray[np.uint8]:
    """Colour real values; what is no number becomes transparent white.

    Args:
        values: Shape (H, W).
        limits: Values at the two ends of the map; those beyond take the colour of their end.
        name: gray, viridis, magma, inferno, twilight_shifted or RdBu_r.

    Returns:
        Red, green, blue and opacity, shape (H, W, 4).
    """
    low, high = limits
    known = np.isfinite(values)
    share = (np.where(known, values, low) - low) / (high - low)
    level = np.clip(share * LEVELS, 0, LEVELS - 1).astype(np.uint8)
    opacity = np.where(known, np.uint8(255), np.uint8(0))
    coloured = np.concatenate([colour_map(name)[level], opacity[..., None]], axis=-1)
    coloured[~known] = (255, 255, 255, 0)
    return coloured


@functools.cache
def colour_map(name: str) -> NDArray[np.uint8]:
    """Give the colours of a map from its lowest value to its highest, shape (256, 3)."""
    anchors = np.frombuffer(bytes.fromhex(_ANCHORS[name]), np.uint8).reshape(-1, 3)
    at = np.linspace(0, LEVELS - 1, len(anchors))
    channels = [np.interp(np.arange(LEVELS), at, channel) for channel in anchors.T]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
