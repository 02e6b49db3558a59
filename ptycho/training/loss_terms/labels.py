"""Error against labelled patches: for simulations and scans whose object is known."""

from ptycho.physics.operations import Array
from ptycho.training.loss import LossInputs, LossTerm, LossWeights


def label_mae(inputs: LossInputs) -> Array:
    """Give the error of the amplitude plus the error of the wrapped phase."""
    ops = inputs.ops
    amplitude = ops.absolute(ops.absolute(inputs.patches) - ops.absolute(inputs.labels))
    # The phase of the quotient, not the difference of phases: +pi and -pi are the same.
    phase = ops.absolute(ops.phase(inputs.patches * ops.conj(inputs.labels)))
    return ops.reduce_mean(amplitude) + ops.reduce_mean(phase)


def _weight(weights: LossWeights) -> float:
    return 1.0 if weights.supervised else weights.realspace * weights.realspace_mae


LOSS_TERM = LossTerm("labels", label_mae, _weight, needs_labels=True)
