"""Layers of torch under `ptycho.network.blocks`. Features are (B, F, N, N), channels first.

Source:
    `ptycho.network.layers.Layers`, which says what each of them does.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from ptycho.network.activations import require_activation
from ptycho.network.blocks import Block
from ptycho.physics.operations import Operations

from . import operations
from .physics import PHYSICS


class Convolution(nn.Conv2d):
    """A convolution whose weights are unset: they are drawn by their names, or loaded."""

    def reset_parameters(self) -> None:
        """Leave the memory as it is: random numbers for weights that are loaded next would be thrown away."""


class TorchLayers:
    """Convolutions of torch, and its ways between resolutions."""

    ops: ClassVar[Operations] = operations
    physics: ClassVar = PHYSICS
    part_type: ClassVar[type] = nn.Module
    channel_axis: ClassVar[int] = 1
    pixel_axes: ClassVar[tuple[int, int]] = (2, 3)
    activations: ClassVar[dict[str, Callable[[Tensor], Tensor]]] = {
        "sigmoid": torch.sigmoid,
        "swish": functional.silu,
        "softplus": functional.softplus,
        "relu": functional.relu,
    }

    def convolution(self, channels: int, filters: int, *, reach: int = 3) -> nn.Conv2d:
        """Make a convolution of `reach` pixels."""
        return Convolution(channels, filters, reach, padding=reach // 2)

    def activation(self, name: str) -> Callable[[Tensor], Tensor]:
        """Look the bound of the amplitude up."""
        require_activation(name)
        return self.activations[name]

    def relu(self, features: Tensor) -> Tensor:
        """Clamp at zero."""
        return functional.relu(features)

    def sigmoid(self, features: Tensor) -> Tensor:
        """Squash."""
        return torch.sigmoid(features)

    def upsample(self, features: Tensor) -> Tensor:
        """Interpolate without any blur."""
        return functional.interpolate(features, scale_factor=2.0, mode="nearest")

    def halve(self, features: Tensor) -> Tensor:
        """Pool."""
        return functional.max_pool2d(features, 2)

    def surround(self, features: Tensor, border: int) -> Tensor:
        """Pad the last two axes."""
        return functional.pad(features, (border,) * 4)

    def from_images(self, images: Tensor) -> Tensor:
        """Images have channels first already."""
        return images

    def to_images(self, features: Tensor) -> Tensor:
        """Channels first is what images have."""
        return features

    def fold(self, planes: Sequence[Tensor], factor: int) -> Tensor:
        """Unshuffle; convolutions on the CPU are faster with channels last in memory."""
        folded = functional.pixel_unshuffle(torch.stack(list(planes), dim=1), factor)
        return folded.contiguous(memory_format=torch.channels_last)

    def unfold(self, features: Tensor, factor: int) -> list[Tensor]:
        """Shuffle back."""
        return list(functional.pixel_shuffle(features, factor).unbind(1))


class Core(nn.Module):
    """Blocks of a network, with their layers registered under their canonical names.

    Args:
        blocks: What is called, and holds the layers.
    """

    def __init__(self, blocks: Block) -> None:
        super().__init__()
        self.blocks = blocks
        for path, part in blocks.parts():
            *folders, name = path.split("/")
            place: nn.Module = self
            for folder in folders:
                if folder not in dict(place.named_children()):
                    place.add_module(folder, nn.Module())
                place = place.get_submodule(folder)
            place.add_module(name, part)

    def forward(self, *inputs: object) -> Tensor:
        """Call the blocks."""
        patches: Tensor = self.blocks(*inputs)
        return patches
