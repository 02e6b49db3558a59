"""The network with its physics: measured amplitudes in, object patches and explained amplitudes out.

Shape legend: B groups, C positions of a group, P probe modes, N patch side.
"""

import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ptycho.network.inference import Inference, Light, fitting_mask, fitting_probe
from ptycho.network.initial import initial_value
from ptycho.network.prediction import Prediction
from ptycho.network.settings import NetworkSettings
from ptycho.network.weights import as_parts

from .layers import Core, KerasLayers, Policy, named_weights
from .physics import PHYSICS


class PtychoNetwork(Inference, keras.Model):
    """The network with its physics as a model of Keras; made as `Inference` says.

    A precision policy may be given as ``dtype``, for weights and convolutions; physics keeps the weights'
    precision.
    """

    physics = PHYSICS

    def __init__(
        self,
        settings: NetworkSettings,
        probe: NDArray[np.complexfloating[Any, Any]],
        intensity_scale: float,
        mask: NDArray[np.bool_] | None = None,
        seed: int | None = 0,
        *,
        dtype: Policy = None,
    ) -> None:
        # Keras would cast all inputs to half precision under a mixed policy, the physics with them.
        super().__init__(dtype=dtype, autocast=False)
        self.settings = settings
        modes, good = fitting_probe(np.asarray(probe), settings), fitting_mask(mask, settings.N)
        core = functools.partial(Core, dtype=dtype)
        self.core = settings.kind.build(settings, "tensorflow", core, KerasLayers(dtype))
        if seed is not None:
            initialise(self.core, seed)
        self.probe_parts = self._hold("probe_parts", as_parts(modes), trainable=settings.probe_trainable)
        self.log_gain = self._hold("log_gain", np.zeros(()), trainable=settings.intensity_scale_trainable)
        self.measured_scale = self._hold("measured_scale", np.array(float(intensity_scale)))
        self.mask = self._hold("mask", good)
        self.built = True

    def _hold(self, name: str, value: NDArray[Any], *, trainable: bool = False) -> Any:
        variable = self.add_weight(
            shape=value.shape,
            dtype="bool" if value.dtype == bool else self.variable_dtype,
            name=name,
            trainable=trainable,
            initializer="zeros",
            autocast=False,
        )
        variable.assign(value)
        return variable

    @staticmethod
    def tensor(variable: Any) -> tf.Tensor:
        """Read a Keras variable as a tensor."""
        return tf.convert_to_tensor(variable)

    @functools.cached_property
    def patches_graph(self) -> Any:
        """The graph of `patches` for whole groups, compiled once for all batch sizes."""
        C, N = self.settings.positions, self.settings.N
        measured, relative = (tf.TensorSpec((None, *shape)) for shape in ((C, N, N), (C, 2)))
        return tf.function(self.patches, autograph=False).get_concrete_function(measured, relative)

    @functools.cached_property
    def leaders_graph(self) -> Any:
        """The graph that infers what `Engine.infer` tells, with the mask of a scan, compiled once for all."""
        C, N = self.settings.positions, self.settings.N

        def leaders(
            frames: tf.Tensor, members: tf.Tensor, relative: tf.Tensor, shown: tf.Tensor, good: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor]:
            patches = self.agreed_patches(tf.gather(frames, members), relative, good)[:, 0]
            return patches, self.diffract(tf.gather(patches, shown))

        # Compiled here, not by its first call: TensorFlow counts such calls, and warns a process that makes
        # many of them, as one that reconstructs small scans with many networks does.
        return tf.function(leaders, autograph=False).get_concrete_function(
            tf.TensorSpec((None, N, N), tf.float32),
            tf.TensorSpec((None, C), tf.int64),
            tf.TensorSpec((None, C, 2), tf.float32),
            tf.TensorSpec((None,), tf.int64),
            tf.TensorSpec((N, N), tf.bool),
        )

    def call(
        self, inputs: tf.Tensor | tuple[tf.Tensor, tf.Tensor | None], light: Light | None = None
    ) -> Prediction:
        """Predict groups, as `predict_groups` does.

        Args:
            inputs: Normalised amplitude X, shape (B, C, N, N), and group mean minus position [x, y] in
                pixels, shape (B, C, 2); the amplitude alone for single positions.
            light: Probe and mask of each group's scan; None takes the network's own.
        """
        measured, relative = inputs if isinstance(inputs, (tuple, list)) else (inputs, None)
        return self.predict_groups(measured, relative, light)


def initialise(core: keras.layers.Layer, seed: int) -> None:
    """Give every weight the values that its canonical name and the seed stand for."""
    for name, variable in named_weights(core):
        value = initial_value(name, tuple(variable.shape), seed)
        if value is not None:
            variable.assign(value)
