"""Training losses: Poisson likelihood, amplitude error, realspace terms and supervised labels.

Every term is a mean, so that learning rates carry over between batch sizes, patch sizes and backends.
"""

import tensorflow as tf

from ptycho.network.objective import LABELS_MISSING, LossWeights
from ptycho.physics.noise import POISSON_EPS

from .prediction import Prediction


def masked_mean(values: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """Average over the good pixels; `mask` (N, N) is true where a pixel is good, None means everywhere."""
    if mask is None:
        return tf.reduce_mean(values)
    good = tf.cast(tf.broadcast_to(mask, tf.shape(values)), values.dtype)
    return tf.reduce_sum(tf.where(mask, values, 0)) / tf.maximum(tf.reduce_sum(good), 1)


def _silence(measured: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    # A NaN times zero is NaN, so bad pixels must lose their values before anything is done with them.
    return measured if mask is None else tf.where(mask, measured, 0)


def poisson_nll(
    predicted: tf.Tensor, measured: tf.Tensor, intensity_scale: tf.Tensor, mask: tf.Tensor | None
) -> tf.Tensor:
    """Return the Poisson negative log-likelihood, per pixel and per mean count.

    Args:
        predicted: Far-field amplitude of the model, shape (..., N, N).
        measured: Normalised measured amplitude X, same shape.
        intensity_scale: s, so that (s X)² are counts.
        mask: True where a detector pixel is good, shape (N, N), or None.

    Returns:
        mean(rate - n log(rate + eps)) / mean(n), a scalar without the constant term.
    """
    counts = tf.square(intensity_scale * _silence(measured, mask))
    rate = tf.square(intensity_scale * predicted)
    terms = rate - counts * tf.math.log(rate + POISSON_EPS)
    return masked_mean(terms, mask) / tf.maximum(masked_mean(counts, mask), POISSON_EPS)


def amplitude_mae(predicted: tf.Tensor, measured: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """Return the mean absolute error of amplitudes, both normalised."""
    return masked_mean(tf.abs(predicted - _silence(measured, mask)), mask)


def total_variation(patches: tf.Tensor) -> tf.Tensor:
    """Return the mean absolute step between neighbouring pixels, real and imaginary parts added."""
    steps = [
        tf.reduce_mean(tf.abs(step))
        for part in (tf.math.real(patches), tf.math.imag(patches))
        for step in (part[..., 1:, :] - part[..., :-1, :], part[..., :, 1:] - part[..., :, :-1])
    ]
    return tf.add_n(steps)


def _phase(values: tf.Tensor) -> tf.Tensor:
    # The slope of a phase has no limit at zero; like torch, take it to be zero there.
    # In a compiled step a bare number in front would settle the type of both branches as an integer.
    dark = tf.equal(values, 0)
    angles = tf.math.angle(tf.where(dark, tf.ones_like(values), values))
    return tf.where(dark, tf.zeros_like(angles), angles)


def label_mae(patches: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Return the error of amplitude plus the error of the wrapped phase against labelled patches."""
    phase = _phase(patches * tf.math.conj(labels))
    return tf.reduce_mean(tf.abs(tf.abs(patches) - tf.abs(labels))) + tf.reduce_mean(tf.abs(phase))


class Loss:
    """Weigh and add the terms that a training asks for.

    Args:
        weights: Weight of each term.
    """

    def __init__(self, weights: LossWeights) -> None:
        self.weights = weights

    def __call__(
        self,
        prediction: Prediction,
        measured: tf.Tensor,
        intensity_scale: tf.Tensor,
        mask: tf.Tensor | None = None,
        labels: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
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
        scale = tf.cast(intensity_scale, prediction.amplitude.dtype)
        terms = self._terms(prediction, measured, scale, mask, labels)
        factors = self.weights.factors()
        return tf.add_n([factors[name] * term for name, term in terms.items()]), terms

    def _terms(
        self,
        prediction: Prediction,
        measured: tf.Tensor,
        scale: tf.Tensor,
        mask: tf.Tensor | None,
        labels: tf.Tensor | None,
    ) -> dict[str, tf.Tensor]:
        wanted = self.weights.terms()
        terms: dict[str, tf.Tensor] = {}
        if "labels" in wanted:
            if labels is None:
                raise ValueError(LABELS_MISSING)
            terms["labels"] = label_mae(prediction.patches, labels)
        if "nll" in wanted:
            terms["nll"] = poisson_nll(prediction.amplitude, measured, scale, mask)
        if "mae" in wanted:
            terms["mae"] = amplitude_mae(prediction.amplitude, measured, mask)
        if "tv" in wanted:
            terms["tv"] = total_variation(prediction.patches)
        return terms
