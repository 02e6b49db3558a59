"""Weights under backend-neutral names: what one backend exports, the other can load.

Names are paths such as `core/encoder/levels/0/conv0/kernel`. Kernels have the axes (height, width, channels
in, channels out), biases (channels out,); the probe is one complex array (P, N, N).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptyconf.errors import error_text

SHOWN_NAMES = 3


def require_same_weights(own: Mapping[str, tuple[int, ...]], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Accept arrays that fill a network completely.

    Args:
        own: Shapes of the network's weights by canonical name.
        arrays: What shall be loaded, by canonical name.

    Raises:
        ValueError: Names or shapes differ.
    """
    differences = {
        "missing": sorted(own.keys() - arrays.keys()),
        "unknown": sorted(arrays.keys() - own.keys()),
        "of another shape": sorted(n for n in own.keys() & arrays.keys() if arrays[n].shape != own[n]),
    }
    lines = [f"{title}: {_some(names)}" for title, names in differences.items() if names]
    if lines:
        indented = "\n  found     ".join(lines)
        raise ValueError(
            error_text(
                "these weights belong to another network",
                details={"found": indented},
                expected="the names and shapes that model.architecture, N, gridsize and n_filters_scale give",
                hint="the settings stored in the bundle beside the weights",
            )
        )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(names[:SHOWN_NAMES]) + more


def as_parts(probe: NDArray[np.complexfloating[Any, Any]]) -> NDArray[np.floating[Any]]:
    """Lay a complex array out as real numbers, (real, imaginary) last: frameworks learn real weights only."""
    return np.stack([probe.real, probe.imag], axis=-1)


def as_complex(parts: NDArray[np.floating[Any]]) -> NDArray[np.complexfloating[Any, Any]]:
    """Invert `as_parts`."""
    joined: NDArray[np.complexfloating[Any, Any]] = parts[..., 0] + 1j * parts[..., 1]
    return joined
