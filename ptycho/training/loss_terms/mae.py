"""Mean absolute error of the normalised amplitude: less sure of its noise than the likelihood, and robust."""

from ptycho.physics.operations import Array
from ptycho.training.loss import LossInputs, LossTerm


def amplitude_mae(inputs: LossInputs) -> Array:
    """Give the mean absolute error of amplitudes, both normalised."""
    return inputs.mean(inputs.ops.absolute(inputs.predicted - inputs.measured))


LOSS_TERM = LossTerm("mae", amplitude_mae, lambda weights: 0.0 if weights.supervised else weights.mae)
