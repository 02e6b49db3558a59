"""Weights of a Keras network under the names and axes of `ptycho.network.weights`, which are Keras's own."""

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ptycho.network.weights import as_complex, as_parts, require_same_weights

from .layers import named_weights
from .model import PtychoNetwork


def named_variables(network: PtychoNetwork) -> Iterator[tuple[str, keras.Variable]]:
    """Walk what a network holds, by canonical name; the probe's last axis is (real, imaginary)."""
    yield "probe", network.probe_parts
    for name in ("log_gain", "measured_scale", "mask"):
        yield name, getattr(network, name)
    yield from named_weights(network.core)


def export(network: PtychoNetwork) -> dict[str, NDArray[Any]]:
    """Return every weight, the probe and the scales under canonical names."""
    arrays = {name: np.array(variable.numpy()) for name, variable in named_variables(network)}
    return arrays | {"probe": as_complex(arrays["probe"])}


def load(network: PtychoNetwork, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Put exported arrays into a network, if `require_same_weights` accepts them; else change nothing."""
    variables = dict(named_variables(network))
    shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
    require_same_weights(shapes | {"probe": shapes["probe"][:-1]}, arrays)
    for name, array in arrays.items():
        variables[name].assign(as_parts(np.asarray(array)) if name == "probe" else np.asarray(array))


def count_parameters(part: keras.layers.Layer) -> int:
    """Count the numbers that training may change."""
    return sum(int(np.prod(variable.shape)) for variable in part.trainable_variables)
