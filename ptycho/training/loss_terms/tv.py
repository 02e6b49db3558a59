"""Total variation of the patches: the object changes little from pixel to pixel."""

from ptycho.physics.operations import Array
from ptycho.training.loss import LossInputs, LossTerm


def total_variation(inputs: LossInputs) -> Array:
    """Give the mean absolute step between neighbouring pixels, real and imaginary parts added."""
    ops = inputs.ops
    # Real and imaginary part, not amplitude and phase: a phase jumps by 2 pi where nothing happens.
    steps = [
        ops.reduce_mean(ops.absolute(step))
        for part in (ops.real(inputs.patches), ops.imag(inputs.patches))
        for step in (part[..., 1:, :] - part[..., :-1, :], part[..., :, 1:] - part[..., :, :-1])
    ]
    return ops.reduce_sum(ops.stack(steps))


LOSS_TERM = LossTerm("tv", total_variation, lambda weights: 0.0 if weights.supervised else weights.realspace)
