"""How a test of both backends talks to TensorFlow."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ptycho.tf  # noqa: F401  Keras has to be told its backend before anything imports it.

# ruff: isort: split
import tensorflow as tf

from ptycho.network.settings import NetworkSettings
from ptycho.tf import operations as ops
from ptycho.tf.checkpoints import read_checkpoint
from ptycho.tf.layers import Core, KerasLayers
from ptycho.tf.model import PtychoNetwork, initialise
from ptycho.tf.module import PtychoModule
from ptycho.tf.physics import PHYSICS
from ptycho.tf.weights import count_parameters, export, load, named_variables

__all__ = ["PHYSICS", "array", "build", "count_parameters", "export", "load", "ops", "predict", "tensor"]

layers = KerasLayers()


def tensor(array: Any) -> tf.Tensor:
    """Hand an array over."""
    return tf.constant(array)


def array(value: tf.Tensor) -> np.ndarray:
    """Take an array back."""
    return np.array(value)


def features(pixels: np.ndarray) -> tf.Tensor:
    """Hand features (B, F, N, N) over."""
    return tf.constant(np.moveaxis(pixels, 1, -1))


def pixels(value: tf.Tensor) -> np.ndarray:
    """Take features back as (B, F, N, N)."""
    return np.moveaxis(array(value), -1, 1)


def start(blocks: Any, seed: int = 0) -> Any:
    """Give blocks the weights to start from."""
    initialise(Core(blocks), seed)
    return blocks


def build(
    settings: NetworkSettings, probe: np.ndarray, scale: float, dtype: str, **more: Any
) -> PtychoNetwork:
    """Make a network in a precision."""
    return PtychoNetwork(settings, probe, scale, dtype=dtype, **more)


def predict(network: PtychoNetwork, X: tf.Tensor, relative: tf.Tensor | None = None) -> Any:
    """Run the network."""
    return network((X, relative))


def slopes(function: Callable[..., tf.Tensor], *at: tf.Tensor) -> tuple[float, list[np.ndarray]]:
    """Give the value of a function of arrays, and its slope in each."""
    with tf.GradientTape() as tape:
        tape.watch(at)
        value = function(*at)
    return float(value), [array(slope) for slope in tape.gradient(value, list(at))]


def learned_slopes(network: PtychoNetwork, function: Callable[[], tf.Tensor]) -> dict[str, Any]:
    """Give the slope of a function in everything that the network learns; None where it has none."""
    with tf.GradientTape() as tape:
        value = function()
    learned = network.trainable_variables
    gradients = zip(learned, tape.gradient(value, learned), strict=True)
    names = {variable.path: name for name, variable in named_variables(network)}
    return {names[v.path]: None if g is None else array(g) for v, g in gradients}


def canonical_slopes(network: PtychoNetwork, function: Callable[[], tf.Tensor]) -> dict[str, Any]:
    """Give the slope of a function in what the network learns under canonical names."""
    slopes = learned_slopes(network, function)
    parts = slopes.pop("probe", None)
    return slopes if parts is None else slopes | {"probe": parts[..., 0] + 1j * parts[..., 1]}


def descend(network: PtychoNetwork, function: Callable[[], tf.Tensor], steps: int) -> list[float]:
    """Take steps of Adam, and give the values on the way."""
    optimiser = tf.keras.optimizers.Adam(2e-3)
    optimiser.build(network.trainable_variables)

    @tf.function
    def step() -> tf.Tensor:
        with tf.GradientTape() as tape:
            value = function()
        optimiser.apply(tape.gradient(value, network.trainable_variables))
        return value

    return [float(step()) for _ in range(steps)]


def before_step(monkeypatch: pytest.MonkeyPatch, number: int, do: Callable[[], None]) -> None:
    """Do something at the start of one step of training, counted over all epochs."""
    real, numbers = PtychoModule.learn, itertools.count()

    def learn(self: PtychoModule, batches: Any, *, moves: bool = True) -> tf.Tensor:
        if next(numbers) == number:
            do()
        return real(self, batches, moves=moves)

    monkeypatch.setattr(PtychoModule, "learn", learn)


def checkpoint(path: Path) -> tuple[list[dict[str, float]], dict[str, np.ndarray]]:
    """Read a checkpoint: its history, and every number of weights and optimiser by name."""
    content = read_checkpoint(path).content
    optimiser = {f"optimiser/{name}": value for name, value in content.optimiser.items()}
    return content.history, content.network | optimiser
