"""Training losses: Poisson likelihood, amplitude error, realspace terms and supervised labels.

Every term is a mean, so that learning rates carry over between batch sizes, patch sizes and backends.
"""

import torch
from torch import Tensor, nn

from ptycho.network.objective import LABELS_MISSING, LossWeights
from ptycho.physics.noise import POISSON_EPS

from .prediction import Prediction


def masked_mean(values: Tensor, mask: Tensor | None) -> Tensor:
    """Average over the good pixels; `mask` (N, N) is true where a pixel is good, None means everywhere."""
    if mask is None:
        return values.mean()
    good = mask.to(values.dtype).expand_as(values)
    return (torch.where(mask, values, 0.0)).sum() / good.sum().clamp(min=1)


def _silence(measured: Tensor, mask: Tensor | None) -> Tensor:
    # A NaN times zero is NaN, so bad pixels must lose their values before anything is done with them.
    return measured if mask is None else torch.where(mask, measured, 0.0)


def poisson_nll(predicted: Tensor, measured: Tensor, intensity_scale: Tensor, mask: Tensor | None) -> Tensor:
    """Return the Poisson negative log-likelihood, per pixel and per mean count.

    Args:
        predicted: Far-field amplitude of the model, shape (..., N, N).
        measured: Normalised measured amplitude X, same shape.
        intensity_scale: s, so that (s X)² are counts.
        mask: True where a detector pixel is good, shape (N, N), or None.

    Returns:
        mean(rate - n log(rate + eps)) / mean(n), a scalar without the constant term.
    """
    counts = (intensity_scale * _silence(measured, mask)).square()
    rate = (intensity_scale * predicted).square()
    terms = rate - counts * torch.log(rate + POISSON_EPS)
    return masked_mean(terms, mask) / masked_mean(counts, mask).clamp(min=POISSON_EPS)


def amplitude_mae(predicted: Tensor, measured: Tensor, mask: Tensor | None) -> Tensor:
    """Return the mean absolute error of amplitudes, both normalised."""
    return masked_mean((predicted - _silence(measured, mask)).abs(), mask)


def total_variation(patches: Tensor) -> Tensor:
    """Return the mean absolute step between neighbouring pixels, real and imaginary parts added."""
    parts = torch.view_as_real(patches)
    down = (parts[..., 1:, :, :] - parts[..., :-1, :, :]).abs().mean()
    right = (parts[..., :, 1:, :] - parts[..., :, :-1, :]).abs().mean()
    return 2 * (down + right)


def label_mae(patches: Tensor, labels: Tensor) -> Tensor:
    """Return the error of amplitude plus the error of the wrapped phase against labelled patches."""
    phase = torch.angle(patches * labels.conj())
    return (patches.abs() - labels.abs()).abs().mean() + phase.abs().mean()


class Loss(nn.Module):
    """Weigh and add the terms that a training asks for.

    Args:
        weights: Weight of each term.
    """

    def __init__(self, weights: LossWeights) -> None:
        super().__init__()
        self.weights = weights

    def forward(
        self,
        prediction: Prediction,
        measured: Tensor,
        intensity_scale: Tensor,
        mask: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
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
        terms = self._terms(prediction, measured, intensity_scale, mask, labels)
        factors = self.weights.factors()
        total = torch.stack([factors[name] * term for name, term in terms.items()]).sum()
        return total, terms

    def _terms(
        self,
        prediction: Prediction,
        measured: Tensor,
        scale: Tensor,
        mask: Tensor | None,
        labels: Tensor | None,
    ) -> dict[str, Tensor]:
        w = self.weights
        terms: dict[str, Tensor] = {}
        if w.labelled:
            if labels is None:
                raise ValueError(LABELS_MISSING)
            terms["labels"] = label_mae(prediction.patches, labels)
        if w.supervised:
            return terms
        if w.nll:
            terms["nll"] = poisson_nll(prediction.amplitude, measured, scale, mask)
        if w.mae:
            terms["mae"] = amplitude_mae(prediction.amplitude, measured, mask)
        if w.realspace:
            terms["tv"] = total_variation(prediction.patches)
        return terms
