"""Weights under backend-neutral names: what one backend exports, the other can load.

Names are paths such as `core/encoder/levels/0/conv0/kernel`. Kernels have the axes (height, width, channels
in, channels out), biases (channels out,); the probe is one complex array (P, N, N).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from .layers import convolutions
from .model import PtychoNetwork


def named_variables(network: PtychoNetwork) -> Iterator[tuple[str, keras.Variable]]:
    """Walk what a network holds, by canonical name; the probe's last axis is (real, imaginary)."""
    yield "probe", network.probe_parts
    for name in ("log_gain", "measured_scale", "mask"):
        yield name, getattr(network, name)
    for name, convolution in convolutions(network.core, "core/"):
        yield f"{name}/kernel", convolution.kernel
        yield f"{name}/bias", convolution.bias


def _canonical(name: str, variable: keras.Variable) -> np.ndarray:
    array: np.ndarray = np.array(variable.numpy())
    return np.ascontiguousarray(array).view(_complex_of(array))[..., 0] if name == "probe" else array


def _complex_of(array: np.ndarray) -> np.dtype[Any]:
    return np.result_type(array.dtype, np.complex64)


def export(network: PtychoNetwork) -> dict[str, np.ndarray]:
    """Return every weight, the probe and the scales under canonical names."""
    return {name: _canonical(name, variable) for name, variable in named_variables(network)}


def load(network: PtychoNetwork, arrays: Mapping[str, np.ndarray]) -> None:
    """Put exported arrays into a network of the same settings.

    Raises:
        ValueError: Names or shapes differ; nothing has been changed then.
    """
    own = dict(named_variables(network))
    shapes = {name: _shape(name, variable) for name, variable in own.items()}
    missing, surplus = sorted(own.keys() - arrays.keys()), sorted(arrays.keys() - own.keys())
    unequal = sorted(n for n in own.keys() & arrays.keys() if tuple(arrays[n].shape) != shapes[n])
    if missing or surplus or unequal:
        raise ValueError(_describe(missing, surplus, unequal))
    for name, array in arrays.items():
        value = np.asarray(array)
        own[name].assign(np.stack([value.real, value.imag], axis=-1) if name == "probe" else value)


def _shape(name: str, variable: keras.Variable) -> tuple[int, ...]:
    shape = tuple(variable.shape)
    return shape[:-1] if name == "probe" else shape


def _describe(missing: list[str], surplus: list[str], unequal: list[str]) -> str:
    lines = ["these weights belong to another network"]
    for title, names in (("missing", missing), ("unknown", surplus), ("of another shape", unequal)):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            lines.append(f"  found     {title}: {', '.join(names[:3])}{more}")
    lines.append(
        "  expected  the names and shapes that model.architecture, N, gridsize and n_filters_scale give"
    )
    lines.append("  try       the settings stored in the bundle beside the weights")
    return "\n".join(lines)


def count_parameters(part: keras.layers.Layer) -> int:
    """Count the numbers that training may change."""
    return sum(int(np.prod(variable.shape)) for variable in part.trainable_variables)
