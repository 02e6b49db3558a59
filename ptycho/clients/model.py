"""What the network in hand is trained with, in the words of the legacy settings."""

from __future__ import annotations

import math
from typing import Any

from ptycho.settings import legacy_dict as _legacy

__all__ = ["params"]


def params() -> dict[str, Any]:
    """Copy the legacy settings, with an intensity scale that is a number.

    It is that of the network that was trained or opened last, or what the photons of the configuration
    amount to: sqrt(nphotons) / (N / 2).

    Raises:
        UnpopulatedError: There is neither a network nor a configuration (CONFIG-001).
    """
    scale = _legacy.cfg.get("intensity_scale")
    if scale is None:
        _legacy.require_populated("ptycho.model.params", "N", "nphotons")
        scale = math.sqrt(_legacy.get("nphotons")) / (_legacy.get("N") / 2)
    return {**_legacy.params(), "intensity_scale": float(scale)}
