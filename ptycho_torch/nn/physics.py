"""The differentiable physics in torch: `ptycho.physics.forward_model` over torch's operations."""

from ptycho.physics.forward_model import ForwardModel

from . import operations

PHYSICS = ForwardModel(operations)
