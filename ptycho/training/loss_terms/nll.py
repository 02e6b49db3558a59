"""Poisson negative log-likelihood of the counts: what photon noise makes the right measure."""

from ptycho.physics.noise import POISSON_EPS
from ptycho.physics.operations import Array
from ptycho.training.loss import LossInputs, LossTerm


def poisson_nll(inputs: LossInputs) -> Array:
    """Give mean(rate - n log(rate + eps)) / mean(n), a scalar without the constant term.

    The likelihood of a pixel grows with the dose; divided by the mean count, one learning rate serves all.
    """
    ops = inputs.ops
    counts = ops.square(inputs.intensity_scale * inputs.measured)
    rate = ops.square(inputs.intensity_scale * inputs.predicted)
    # The constant log n! has no slope and is left out; the offset under the logarithm keeps dark pixels
    # finite.
    terms = rate - counts * ops.log(rate + POISSON_EPS)
    # Frames without a photon would divide by nothing.
    return inputs.mean(terms) / ops.maximum(inputs.mean(counts), POISSON_EPS)


LOSS_TERM = LossTerm("nll", poisson_nll, lambda weights: 0.0 if weights.supervised else weights.nll)
