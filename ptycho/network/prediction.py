"""What the network says about a batch of groups."""

from typing import NamedTuple

from ptycho.physics.operations import Array


class Prediction(NamedTuple):
    """Object patches and the diffraction that they explain.

    Attributes:
        patches: Complex transmission per position, shape (B, C, N, N), merged within the group where asked.
        amplitude: Far-field amplitude in the units of the normalised measurement X, shape (B, C, N, N).
    """

    patches: Array
    amplitude: Array
