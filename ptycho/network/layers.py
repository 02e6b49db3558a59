"""What blocks of a network ask of a backend: convolutions, and what moves features between resolutions."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol

from ptycho.physics.forward_model import ForwardModel
from ptycho.physics.operations import Array, Operations


class Layers(Protocol):
    """Layers of one backend; features have the axes that its convolutions are fastest with.

    Attributes:
        ops: Array operations of the backend.
        physics: The forward model over them.
        part_type: Class of everything that holds weights.
        channel_axis: Where features hold their channels.
        pixel_axes: Where features hold rows and columns.
    """

    ops: ClassVar[Operations]
    physics: ClassVar[ForwardModel]
    part_type: ClassVar[type]
    channel_axis: ClassVar[int]
    pixel_axes: ClassVar[tuple[int, int]]

    def convolution(self, channels: int, filters: int, *, reach: int = 3) -> Any:
        """Make a convolution with a bias that keeps the sides; its kernel spans `reach` pixels."""

    def activation(self, name: str) -> Callable[[Array], Array]:
        """Give the function that bounds the object amplitude."""

    def relu(self, features: Array) -> Array:
        """Cut negative values off."""

    def sigmoid(self, features: Array) -> Array:
        """Bound values to (0, 1)."""

    def upsample(self, features: Array) -> Array:
        """Double both sides by repeating pixels."""

    def halve(self, features: Array) -> Array:
        """Keep the largest of each 2 x 2 pixels."""

    def surround(self, features: Array, border: int) -> Array:
        """Put zeros around, `border` pixels wide."""

    def from_images(self, images: Array) -> Array:
        """Make features of images (B, C, N, N), one channel a position."""

    def to_images(self, features: Array) -> Array:
        """Invert `from_images`."""

    def fold(self, planes: Sequence[Array], factor: int) -> Array:
        """Fold neighbouring pixels of planes (B, M, M) into channels, those of one plane side by side."""

    def unfold(self, features: Array, factor: int) -> list[Array]:
        """Invert `fold`."""
