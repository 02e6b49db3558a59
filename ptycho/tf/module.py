"""A network in training: its loss and its optimiser, in steps that TensorFlow compiles once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ptycho.network.inference import Light
from ptycho.network.precision import Precision
from ptycho.network.settings import NetworkSettings
from ptycho.training.groups import Batch
from ptycho.training.loss import Loss, LossWeights
from ptycho.training.optimisation import Optimisation
from ptycho.training.plan import Plan
from ptycho.training.start_weights import fill

from . import operations
from .data import Tensors
from .devices import DevicePlacement
from .model import PtychoNetwork
from .optimiser import BoundedAdam
from .precision import policy_of, scales_loss
from .weights import export, load, named_variables

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Score:
    """What one step or one epoch says about a loss.

    Attributes:
        loss: The weighted sum.
        terms: Its terms by name, unweighted.
    """

    loss: float
    terms: dict[str, float]

    def metrics(self, stage: str) -> dict[str, float]:
        """Name the values as the history does: train_loss, train_mae ..."""
        return {f"{stage}_loss": self.loss} | {f"{stage}_{name}": value for name, value in self.terms.items()}


@dataclass(frozen=True)
class Arithmetic:
    """How steps are carried out.

    Attributes:
        precision: Floating point of the convolutions.
        accum_steps: Batches whose gradients are averaged before one step of the optimiser.
    """

    precision: Precision = "32-true"
    accum_steps: int = 1


class PtychoModule:
    """Train a `PtychoNetwork`.

    Args:
        network: The network, made under the strategy of the place.
        weights: What is minimised.
        optimisation: How.
        place: Where.
        arithmetic: With which numbers.
    """

    def __init__(
        self,
        network: PtychoNetwork,
        weights: LossWeights,
        optimisation: Optimisation,
        place: DevicePlacement,
        arithmetic: Arithmetic,
    ) -> None:
        self.network = network
        self._loss = Loss(operations, weights)
        self._strategy = place.strategy
        self.arithmetic = arithmetic
        self._all_good = bool(np.all(network.mask.numpy()))
        learned = {name: variable for name, variable in named_variables(network) if variable.trainable}
        self._learned = [variable.value for variable in learned.values()]
        self.adam = BoundedAdam(learned, optimisation, place.replicas)
        self._scaler = keras.optimizers.LossScaleOptimizer(self.adam) if self._scaled else None
        if self._scaler is not None:
            self._scaler.build(list(learned.values()))
        self._sums = [self._accumulator(value) for value in self._learned if arithmetic.accum_steps > 1]
        # Graphs, not XLA: on the CPU that takes 1.2 to 1.3 times as long (benchmarks/xla.py).
        self._train = tf.function(self._train_step, autograph=False)
        self._validate = tf.function(self._validation_step, autograph=False)

    @classmethod
    def fresh(cls, plan: Plan, place: DevicePlacement, arithmetic: Arithmetic) -> "PtychoModule":
        """Make a module with the weights that the seed stands for."""
        with place.strategy.scope():
            network = PtychoNetwork(
                plan.settings,
                plan.probe,
                plan.normalisation.intensity_scale,
                plan.lights[0].mask,
                plan.training.seed,
                dtype=policy_of(arithmetic.precision),
            )
            started = fill(plan.training.init, plan.settings, network, export, load)
            plan.notes += filter(None, [started])
            module = cls(network, plan.weights, plan.optimisation, place, arithmetic)
        plan.give_lights(module._loss)
        return module

    @property
    def _scaled(self) -> bool:
        return scales_loss(self.arithmetic.precision)

    @property
    def terms(self) -> list[str]:
        """Name the terms of the loss, in the order in which steps return them."""
        return self._loss.names

    def learn(self, batches: Iterator[Tensors], *, moves: bool = True) -> tf.Tensor:
        """Look at the next batch.

        Args:
            batches: Where it comes from.
            moves: Take a step of the optimiser, with this gradient and those added up before.

        Returns:
            Loss, terms and 1, each times the number of groups.
        """
        return self._train(batches, moves)

    def validate(self, batches: Iterator[Tensors]) -> tf.Tensor:
        """Score the next batch, as `learn` does, and learn nothing from it."""
        return self._validate(batches)

    def score(self, sums: Sequence[tf.Tensor]) -> Score:
        """Average over all groups what steps returned."""
        # In double precision, because a long epoch adds up thousands of float32 losses.
        total = np.sum(np.asarray([step.numpy() for step in sums], np.float64), axis=0)
        loss, *terms = (total[:-1] / total[-1]).tolist()
        return Score(loss, dict(zip(self.terms, terms, strict=True)))

    def _evaluate(self, batch: Batch[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        def predict(light: Light | None) -> Any:
            return self.network((batch.X, batch.relative), light)

        total, terms = self._loss.score_batch(predict, batch, self.network, all_good=self._all_good)
        count = tf.cast(tf.shape(batch.X)[0], total.dtype)
        return total, count * tf.stack([total, *(terms[name] for name in self.terms), tf.ones_like(total)])

    def _train_step(self, batches: Iterator[Tensors], moves: bool) -> tf.Tensor:
        sums = self._strategy.run(partial(self._learn_from, moves=moves), args=(next(batches),))
        return self._strategy.reduce(tf.distribute.ReduceOp.SUM, sums, axis=None)

    def _validation_step(self, batches: Iterator[Tensors]) -> tf.Tensor:
        sums = self._strategy.run(lambda tensors: self._evaluate(Batch(*tensors))[1], args=(next(batches),))
        return self._strategy.reduce(tf.distribute.ReduceOp.SUM, sums, axis=None)

    def _learn_from(self, tensors: Tensors, *, moves: bool) -> tf.Tensor:
        with tf.GradientTape() as tape:
            total, sums = self._evaluate(Batch(*tensors))
            # Divided before it is scaled: slopes of the convolutions may be half floats, which end at 65504.
            descended = total / self.arithmetic.accum_steps
            if self._scaler is not None:
                descended = self._scaler.scale_loss(descended)
        gradients = tape.gradient(descended, self._learned)
        if self._sums:
            gradients = self._accumulate(gradients, moves=moves)
        if moves:
            # Averaged before the bounds and the scaler look: an overflow of one device is an overflow of all,
            # or their weights part.
            (self._scaler or self.adam).apply(self.adam.average(gradients), self.adam.learned)
        return sums

    def _accumulate(self, gradients: Sequence[tf.Tensor | None], *, moves: bool) -> list[tf.Tensor | None]:
        """Add gradients up; hand the sum over, and start anew, when a step follows.

        Keras's own accumulation counts batches over the ends of epochs, where a resumed training would begin
        with half a sum; here the last batch of an epoch always moves the weights.
        """
        totals: list[tf.Tensor | None] = []
        for accumulator, gradient in zip(self._sums, gradients, strict=True):
            total = None if gradient is None else accumulator + gradient
            if total is not None:
                accumulator.assign(tf.zeros_like(total) if moves else total)
            totals.append(total)
        return totals

    def _accumulator(self, variable: Any) -> tf.Variable:
        return tf.Variable(
            tf.zeros(variable.shape, variable.dtype),
            trainable=False,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.SUM,
        )

    def optimiser_state(self) -> Arrays:
        """Give everything that a resumed training needs of the optimiser, by name."""
        state = self.adam.state()
        if self._scaler is not None:
            state["loss_scale"] = np.array(self._scaler.dynamic_scale.numpy())
            state["steps_at_this_scale"] = np.array(self._scaler.step_counter.numpy())
        return state

    def restore_optimiser(self, state: Arrays) -> None:
        """Go on where the optimiser of another training stood.

        Raises:
            KeyError: The other one learned fewer variables.
        """
        self.adam.restore(state)
        if self._scaler is not None and "loss_scale" in state:
            self._scaler.dynamic_scale.assign(state["loss_scale"])
            self._scaler.step_counter.assign(state["steps_at_this_scale"])


def network_of(settings: NetworkSettings, arrays: Arrays, policy: str = "float32") -> PtychoNetwork:
    """Make a network that holds these weights, on the device at hand, with convolutions of a precision."""
    from .weights import load

    scale = float(arrays["measured_scale"])
    network = PtychoNetwork(settings, arrays["probe"], scale, seed=None, dtype=policy)
    load(network, arrays)
    return network
