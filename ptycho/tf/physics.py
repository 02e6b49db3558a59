"""The differentiable physics in TensorFlow: `ptycho.physics.forward_model` over TensorFlow's operations.

Everything runs in a graph or outside of one. A canvas side that depends on the data is a tensor: graphs are
traced once for all sizes.
"""

from ptycho.physics.forward_model import ForwardModel

from . import operations

PHYSICS = ForwardModel(operations)
