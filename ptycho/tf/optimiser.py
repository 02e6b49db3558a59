"""Adam as the torch side runs it: a rate of its own for the probe, gradients averaged and kept in bounds."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ptycho.training.optimisation import ADAM_BETAS, ADAM_EPSILON, Optimisation

from .clipping import clip_adaptively, clip_norm, clip_value

PROBE = "probe"
"""Canonical name of the variable that has a rate of its own."""

CORE = "core/"
"""What the canonical names of the network's convolutions start with: the units that agc knows."""


class BoundedAdam(keras.optimizers.Adam):
    """Adam for named variables.

    Args:
        variables: What is learned, by canonical name.
        optimisation: Bounds and rates.
        replicas: Devices whose gradients are averaged.
    """

    def __init__(
        self, variables: Mapping[str, keras.Variable], optimisation: Optimisation, replicas: int = 1
    ) -> None:
        super().__init__(
            learning_rate=optimisation.learning_rate,
            beta_1=ADAM_BETAS[0],
            beta_2=ADAM_BETAS[1],
            epsilon=ADAM_EPSILON,
        )
        self.names = list(variables)
        self.learned = list(variables.values())
        self._optimisation = optimisation
        self._replicas = replicas
        self._probe_place = self.names.index(PROBE) if PROBE in variables else None
        self._probe_rate = tf.Variable(
            optimisation.probe_learning_rate or optimisation.learning_rate, trainable=False
        )
        self.build(self.learned)

    def set_rates(self, network: float, probe: float) -> None:
        """Choose the step sizes from now on."""
        self.learning_rate.assign(network)
        self._probe_rate.assign(probe)

    def average(self, grads: Sequence[tf.Tensor | None]) -> list[tf.Tensor | None]:
        """Average over the devices that share a training; then an overflow of one is known to all.

        Args:
            grads: One for each variable, those of this device.
        """
        if self._replicas == 1:
            return list(grads)
        context = tf.distribute.get_replica_context()
        met = [gradient for gradient in grads if gradient is not None]
        averaged = iter(context.all_reduce(tf.distribute.ReduceOp.MEAN, met))
        return [None if gradient is None else next(averaged) for gradient in grads]

    def apply(self, grads: Sequence[tf.Tensor | None], trainable_variables: Any = None) -> None:
        """Take a step; variables without a gradient stay where they are.

        Args:
            grads: One for each variable; the same on every device, as `average` gives them.
            trainable_variables: Unused: the variables are known from the start.
        """
        del trainable_variables
        # A probe that does not take part has no gradient; a zero in its place would let Adam's momentum move
        # it.
        met = [place for place, gradient in enumerate(grads) if gradient is not None]
        gradients = self._bound(met, [grads[place] for place in met])
        if self._replicas > 1:  # Keras adds up what the devices hand over.
            gradients = [gradient / self._replicas for gradient in gradients]
        super().apply(gradients, [self.learned[place] for place in met])

    def update_step(self, gradient: tf.Tensor, variable: Any, learning_rate: tf.Tensor) -> None:
        """Move one variable.

        Keras adds epsilon before the bias is taken out of the root, which makes the first steps of small
        gradients several times shorter than torch's.
        """
        place = self._get_variable_index(variable)
        rate = self._probe_rate if place == self._probe_place else learning_rate
        momentum, velocity = self._momentums[place], self._velocities[place]
        self.assign_add(momentum, (gradient - momentum) * (1 - self.beta_1))
        self.assign_add(velocity, (tf.square(gradient) - velocity) * (1 - self.beta_2))
        step = tf.cast(tf.convert_to_tensor(self.iterations) + 1, gradient.dtype)
        unbiased = tf.convert_to_tensor(momentum) / (1 - tf.pow(self.beta_1, step))
        square = tf.convert_to_tensor(velocity) / (1 - tf.pow(self.beta_2, step))
        self.assign_sub(variable, rate * unbiased / (tf.sqrt(square) + self.epsilon))

    def _bound(self, met: Sequence[int], gradients: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
        limit, algorithm = self._optimisation.gradient_clip_val, self._optimisation.gradient_clip_algorithm
        if limit is None:
            return gradients
        # Not by Keras's own global_clipnorm: without torch's 1e-6 it differs by 9e-5 at a norm of 0.01, and
        # one infinite slope makes NaN of all. Its clipvalue is the same bit for bit, and would be one of
        # three ways in another place.
        if algorithm == "norm":
            return clip_norm(gradients, limit)
        if algorithm == "value":
            return clip_value(gradients, limit)
        return [
            clip_adaptively(gradient, tf.convert_to_tensor(self.learned[place]), limit)
            if self.names[place].startswith(CORE)
            else gradient
            for place, gradient in zip(met, gradients, strict=True)
        ]

    def state(self) -> dict[str, np.ndarray]:
        """Give everything that a resumed training needs of it, by name."""
        state = {"steps": self.iterations.numpy()}
        for name, momentum, velocity in zip(self.names, self._momentums, self._velocities, strict=True):
            state |= {f"momentum/{name}": momentum.numpy(), f"velocity/{name}": velocity.numpy()}
        return {name: np.array(value) for name, value in state.items()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on where another one stood.

        Raises:
            KeyError: The other one learned fewer variables.
        """
        self.iterations.assign(state["steps"])
        for name, momentum, velocity in zip(self.names, self._momentums, self._velocities, strict=True):
            momentum.assign(state[f"momentum/{name}"])
            velocity.assign(state[f"velocity/{name}"])
