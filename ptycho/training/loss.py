"""What a training minimises: terms from the registry of loss terms, each with its weight.

Every term is a mean, so that learning rates carry over between batch sizes, patch sizes and backends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from ptycho.settings.registries import LOSS_TERMS
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ptycho.network.inference import Inference, Light
    from ptycho.network.prediction import Prediction
    from ptycho.physics.operations import Array, Operations

    from .groups import Batch
    from .lights import Lights


@dataclass(frozen=True)
class LossInputs:
    """What a term may look at.

    Attributes:
        ops: Array operations of the backend.
        patches: Complex patches of the network, shape (B, C, N, N).
        predicted: Far-field amplitude that they explain, in the units of X, shape (B, C, N, N).
        measured: Normalised measured amplitude X, zero at bad pixels, shape (B, C, N, N).
        intensity_scale: s, so that (s X)² are counts.
        mask: True where a detector pixel is good, shape (N, N); None where all are.
        labels: Complex patches to learn from, shape (B, C, N, N), or None.
    """

    ops: Operations
    patches: Array
    predicted: Array
    measured: Array
    intensity_scale: Array
    mask: Array | None
    labels: Array | None

    def mean(self, values: Array) -> Array:
        """Average detector values over the good pixels."""
        ops = self.ops
        if self.mask is None:
            return ops.reduce_mean(values)
        good = ops.broadcast_to(ops.cast_like(self.mask, values), ops.shape(values))
        # A detector without a single good pixel gives 0, not NaN.
        return ops.reduce_sum(ops.where(self.mask, values, 0.0)) / ops.maximum(ops.reduce_sum(good), 1.0)


@dataclass(frozen=True)
class LossTerm:
    """An entry of the registry of loss terms.

    Attributes:
        name: How histories and logs call it: `train_NAME`, `val_NAME`.
        value: Scores a prediction by a scalar.
        weight: Reads its weight off the weights of a training; None takes `training.loss_terms.NAME`.
        needs_labels: Compares with labelled patches.
    """

    name: str
    value: Callable[[LossInputs], Array]
    weight: Callable[[LossWeights], float] | None = None
    needs_labels: bool = False


@dataclass(frozen=True)
class LossWeights:
    """How much each term counts; plain values, which checkpoints keep.

    Attributes:
        nll: Poisson negative log-likelihood of the counts.
        mae: Mean absolute error of the normalised amplitude.
        realspace: All terms in the object plane together.
        realspace_mae: Within them, the error against labelled patches; the total variation counts 1.
        supervised: Learn from labelled patches, in place of the four above.
        further: Weights of further terms by name.
    """

    nll: float = 1.0
    mae: float = 0.0
    realspace: float = 0.0
    realspace_mae: float = 0.0
    supervised: bool = False
    further: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.further:
            LOSS_TERMS[name]
        if not self.terms():
            raise ValueError(
                error_text(
                    "the training loss is zero everywhere: no term has a weight",
                    expected="training.nll_weight, mae_weight or realspace_weight above 0",
                    hint="training.nll_weight = 1",
                )
            )

    @classmethod
    def of(cls, training: Any) -> Self:
        """Read the weights off a training configuration (`ptycho.config.config.TrainingConfig`).

        `torch_loss_mode = "mae"` trades the likelihood for the amplitude error.
        """
        nll, mae = float(training.nll_weight), float(training.mae_weight)
        if training.torch_loss_mode == "mae":
            nll, mae = 0.0, mae or 1.0
        return cls(
            nll=nll,
            mae=mae,
            realspace=float(training.realspace_weight),
            realspace_mae=float(training.realspace_mae_weight),
            supervised=training.model.model_type == "supervised",
            further=dict(training.loss_terms),
        )

    def factors(self) -> dict[str, float]:
        """Give the factor of each term that is computed: those whose weight is not zero."""
        factors = {term.name: self._factor(term) for term in LOSS_TERMS.entries()}
        return {name: factor for name, factor in factors.items() if factor}

    def _factor(self, term: LossTerm) -> float:
        own = 0.0 if term.weight is None else term.weight(self)
        return own + float(self.further.get(term.name, 0.0))

    def terms(self) -> list[str]:
        """Name the terms that are computed, in the order in which losses tell them."""
        return list(self.factors())

    @property
    def labelled(self) -> bool:
        """Whether a term compares with labelled patches."""
        return any(LOSS_TERMS[name].needs_labels for name in self.terms())


LABELS_MISSING = error_text(
    "DATA-SUP-001: this loss compares with labelled patches, and the scan has none",
    expected="complex patches (n, N, N) under the key 'Y' or 'label' of the scan file",
    hint='model.model_type = "pinn" with training.realspace_mae_weight = 0',
)
"""The error of a loss that needs labels and gets none."""


class Loss:
    """Weigh and add the terms that a training asks for.

    Args:
        ops: Array operations of the backend.
        weights: Weight of each term.

    Attributes:
        lights: Those of several scans; None where all groups are of one, whose light is the network's own.
        ceiling: Normalised amplitude from which on a pixel of that one scan is saturated, or None.
    """

    def __init__(self, ops: Operations, weights: LossWeights) -> None:
        self.ops = ops
        self.weights = weights
        self.lights: Lights | None = None
        self.ceiling: float | None = None
        self._factors = weights.factors()
        self._terms: list[LossTerm] = [LOSS_TERMS[name] for name in self._factors]

    @property
    def names(self) -> list[str]:
        """Name the terms in the order in which they are told."""
        return list(self._factors)

    def __call__(
        self,
        prediction: Prediction,
        measured: Array,
        intensity_scale: Array,
        mask: Array | None = None,
        labels: Array | None = None,
    ) -> tuple[Array, dict[str, Array]]:
        """Score a prediction.

        Args:
            prediction: What the network says, shapes (B, C, N, N).
            measured: Normalised measured amplitude X, shape (B, C, N, N).
            intensity_scale: Measured s, so that (s X)² are counts.
            mask: True where a detector pixel is good, shape (N, N).
            labels: Complex patches to learn from, shape (B, C, N, N).

        Returns:
            The total and its unweighted terms by name.

        Raises:
            ValueError: A term needs labels and there are none.
        """
        if labels is None and any(term.needs_labels for term in self._terms):
            raise ValueError(LABELS_MISSING)
        ops = self.ops
        # A NaN times zero is NaN, so bad pixels must lose their values before anything is done with them.
        measured_good = measured if mask is None else ops.where(mask, measured, 0.0)
        scale = ops.cast_like(intensity_scale, prediction.amplitude)
        inputs = LossInputs(ops, prediction.patches, prediction.amplitude, measured_good, scale, mask, labels)
        terms = {term.name: term.value(inputs) for term in self._terms}
        # Stacked and summed in the order of the registry: both backends add the same floats in the same
        # order.
        total = ops.reduce_sum(ops.stack([self._factors[name] * term for name, term in terms.items()]))
        return total, terms

    def score_batch(
        self,
        predict: Callable[[Light | None], Prediction],
        batch: Batch[Any],
        network: Inference,
        *,
        all_good: bool,
    ) -> tuple[Array, dict[str, Array]]:
        """Score what a network predicts for a batch, under the light of each group's scan.

        Args:
            predict: Predicts the groups under a light; None is the network's own.
            batch: The groups.
            network: Says what its own light is.
            all_good: Whether its own detector has no bad pixel: a loss without a mask is faster.

        Returns:
            The loss, and its terms by name.
        """
        light = None if self.lights is None else self.lights.of(batch.scan)
        scale, good = network.detector(light)
        mask = None if all_good and light is None else good
        prediction, ceiling = predict(light), self.ceiling if light is None else light.ceiling
        if ceiling is not None:
            # A saturated pixel says that as much fell on it or more: what lies above costs nothing.
            above = (ceiling <= batch.X) & (prediction.amplitude > batch.X)
            amplitude = self.ops.where(above, batch.X, prediction.amplitude)
            prediction = prediction._replace(amplitude=amplitude)
        return self(prediction, batch.X, scale, mask, batch.labels)
