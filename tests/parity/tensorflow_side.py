"""The TensorFlow backend, as the worker calls it."""

from collections.abc import Callable
from typing import Any

import numpy as np

import ptycho.tf  # noqa: F401  Keras has to be told its backend before anything imports it.

# ruff: isort: split
import tensorflow as tf

from ptycho.network.settings import NetworkSettings
from ptycho.tf import operations
from ptycho.tf.data import Batches, BatchLoading
from ptycho.tf.iteration import TensorFlowSweeps as Sweeps
from ptycho.tf.model import PtychoNetwork
from ptycho.tf.physics import PHYSICS
from ptycho.tf.trained_network import TrainedTensorFlowNetwork as TrainedNetwork
from ptycho.tf.weights import export, load, named_variables

__all__ = ["PHYSICS", "Sweeps", "TrainedNetwork", "export", "load", "operations"]

FOREIGN = {"torch", "lightning", "jax"}

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)


def tensor(array: np.ndarray) -> tf.Tensor:
    """Hand an array over."""
    return tf.constant(array)


def array(value: tf.Tensor) -> np.ndarray:
    """Take an array back."""
    return value.numpy()


def build(settings: dict[str, Any], probe: np.ndarray, dtype: str) -> PtychoNetwork:
    """Make a network in a precision."""
    return PtychoNetwork(NetworkSettings(**settings), probe, 1.0, dtype=dtype)


def predict(network: PtychoNetwork, X: tf.Tensor, relative: tf.Tensor) -> Any:
    """Run the network."""
    return network((X, relative))


def slope(function: Callable[[tf.Tensor], tf.Tensor], at: tf.Tensor) -> tuple[float, np.ndarray]:
    """Give the value of a function and its slope."""
    with tf.GradientTape() as tape:
        tape.watch(at)
        value = function(at)
    return float(value), tape.gradient(value, at).numpy()


def weight_slopes(network: PtychoNetwork, function: Callable[[], tf.Tensor]) -> dict[str, np.ndarray]:
    """Give the slope of a function in everything that learns, under canonical names."""
    with tf.GradientTape() as tape:
        value = function()
    learned = network.trainable_variables
    found = {v.path: s.numpy() for v, s in zip(learned, tape.gradient(value, learned), strict=True)}
    named = {name: found[v.path] for name, v in named_variables(network) if v.path in found}
    parts = named["probe"]
    return named | {"probe": parts[..., 0] + 1j * parts[..., 1]}


def first_batch(groups: Any, store: Any, size: int) -> tuple[Any, ...]:
    """Give the first groups of a scan as a step sees them; they know the store themselves."""
    del store
    batch = next(iter(Batches(groups, size).dataset(BatchLoading())))
    return tuple(value.numpy() for value in batch)
