"""A network in training: its loss and its optimiser, in steps that TensorFlow compiles once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ptycho.network.objective import LossWeights
from ptycho.network.settings import NetworkSettings
from ptycho.training.execution import Precision
from ptycho.training.optimisation import Optimisation
from ptycho.training.preparation import Plan

from .data import Batch, Tensors
from .losses import Loss
from .model import PtychoNetwork
from .optimiser import BoundedAdam
from .precision import policy_of, scales_loss
from .strategy import Place
from .weights import named_variables

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
        place: Place,
        arithmetic: Arithmetic,
    ) -> None:
        self.network = network
        self._loss = Loss(weights)
        self._strategy = place.strategy
        self._arithmetic = arithmetic
        self._all_good = bool(np.all(network.mask.numpy()))
        learned = {name: held for name, held in named_variables(network) if held.trainable}
        self._learned = [variable.value for variable in learned.values()]
        self.adam = BoundedAdam(learned, optimisation, place.replicas)
        self._scaler = keras.optimizers.LossScaleOptimizer(self.adam) if self._scaled else None
        if self._scaler is not None:
            self._scaler.build(list(learned.values()))
        self._gathered = [self._accumulator(held) for held in self._learned if arithmetic.accum_steps > 1]
        # Graphs, not XLA: on the CPU that takes 1.2 to 1.3 times as long (benchmarks/xla.py).
        self._train = tf.function(self._train_step, autograph=False)
        self._judge = tf.function(self._judge_step, autograph=False)

    @classmethod
    def fresh(cls, plan: Plan, place: Place, arithmetic: Arithmetic) -> "PtychoModule":
        """Make a module with the weights that the seed stands for."""
        with place.strategy.scope():
            network = PtychoNetwork(
                plan.settings,
                plan.probe,
                plan.normalisation.intensity_scale,
                plan.scan.mask,
                plan.seed,
                dtype=policy_of(arithmetic.precision),
            )
            return cls(network, plan.weights, plan.optimisation, place, arithmetic)

    @property
    def _scaled(self) -> bool:
        return scales_loss(self._arithmetic.precision)

    @property
    def terms(self) -> list[str]:
        """Name the terms of the loss, in the order in which steps tell them."""
        return [name for name in ("labels", "nll", "mae", "tv") if name in self._loss.weights.terms()]

    def learn(self, batches: Iterator[Tensors], *, moves: bool = True) -> tf.Tensor:
        """Look at the next batch.

        Args:
            batches: Where it comes from.
            moves: Take a step of the optimiser, with this gradient and those gathered before.

        Returns:
            Loss, terms and 1, each times the number of groups.
        """
        return self._train(batches, moves)

    def judge(self, batches: Iterator[Tensors]) -> tf.Tensor:
        """Score the next batch, as `learn` does, and learn nothing from it."""
        return self._judge(batches)

    def score(self, sums: Sequence[tf.Tensor]) -> Score:
        """Average what steps have told over all groups."""
        total = np.sum(np.asarray([step.numpy() for step in sums], np.float64), axis=0)
        loss, *terms = (total[:-1] / total[-1]).tolist()
        return Score(loss, dict(zip(self.terms, terms, strict=True)))

    def _evaluate(self, batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        prediction = self.network((batch.X, batch.relative))
        mask = None if self._all_good else tf.convert_to_tensor(self.network.mask)
        scale = tf.convert_to_tensor(self.network.measured_scale)
        total, terms = self._loss(prediction, batch.X, scale, mask, batch.labels)
        count = tf.cast(tf.shape(batch.X)[0], total.dtype)
        return total, count * tf.stack([total, *(terms[name] for name in self.terms), tf.ones_like(total)])

    def _train_step(self, batches: Iterator[Tensors], moves: bool) -> tf.Tensor:
        told = self._strategy.run(partial(self._learn_from, moves=moves), args=(next(batches),))
        return self._strategy.reduce(tf.distribute.ReduceOp.SUM, told, axis=None)

    def _judge_step(self, batches: Iterator[Tensors]) -> tf.Tensor:
        told = self._strategy.run(lambda tensors: self._evaluate(Batch(*tensors))[1], args=(next(batches),))
        return self._strategy.reduce(tf.distribute.ReduceOp.SUM, told, axis=None)

    def _learn_from(self, tensors: Tensors, *, moves: bool) -> tf.Tensor:
        with tf.GradientTape() as tape:
            total, told = self._evaluate(Batch(*tensors))
            descended = total / self._arithmetic.accum_steps
            if self._scaler is not None:
                descended = self._scaler.scale_loss(descended)
        gradients = tape.gradient(descended, self._learned)
        if self._gathered:
            gradients = self._gather(gradients, moves=moves)
        if moves:
            (self._scaler or self.adam).apply(self.adam.average(gradients), self.adam.learned)
        return told

    def _gather(self, gradients: Sequence[tf.Tensor | None], *, moves: bool) -> list[tf.Tensor | None]:
        """Add gradients up; hand the sum over, and start anew, when a step follows."""
        sums: list[tf.Tensor | None] = []
        for held, gradient in zip(self._gathered, gradients, strict=True):
            total = None if gradient is None else held + gradient
            if total is not None:
                held.assign(tf.zeros_like(total) if moves else total)
            sums.append(total)
        return sums

    def _accumulator(self, variable: Any) -> tf.Variable:
        return tf.Variable(
            tf.zeros(variable.shape, variable.dtype),
            trainable=False,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.SUM,
        )

    def optimiser_state(self) -> Arrays:
        """Give everything that a resumed training needs of the optimiser, by name."""
        held = self.adam.state()
        if self._scaler is not None:
            held["loss_scale"] = np.array(self._scaler.dynamic_scale.numpy())
            held["steps_at_this_scale"] = np.array(self._scaler.step_counter.numpy())
        return held

    def restore_optimiser(self, held: Arrays) -> None:
        """Go on where the optimiser of another training stood.

        Raises:
            KeyError: The other one learned fewer variables.
        """
        self.adam.restore(held)
        if self._scaler is not None and "loss_scale" in held:
            self._scaler.dynamic_scale.assign(held["loss_scale"])
            self._scaler.step_counter.assign(held["steps_at_this_scale"])


def plain_network(settings: NetworkSettings, arrays: Arrays) -> PtychoNetwork:
    """Make a network in single precision that holds these weights, on the device at hand."""
    from .weights import load

    scale = float(arrays["measured_scale"])
    network = PtychoNetwork(settings, arrays["probe"], scale, dtype="float32")
    load(network, arrays)
    return network
