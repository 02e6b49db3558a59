"""Building blocks of the networks: convolutions, levels, heads, activations, initialisation.

Shape legend: B groups, F feature channels, N patch side.
"""

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ptycho.network.architecture import (
    ATTENTION_REACH,
    FRAME_CHANNELS,
    attention_width,
    require_activation,
)

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "swish": functional.silu,
    "softplus": functional.softplus,
    "relu": functional.relu,
}


def amplitude_activation(name: str) -> Callable[[Tensor], Tensor]:
    """Return the function that bounds the object amplitude.

    Raises:
        ValueError: The name is none of the known activations.
    """
    require_activation(name)
    return ACTIVATIONS[name]


def upsample(features: Tensor) -> Tensor:
    """Double both sides by repeating pixels."""
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")


class ConvPair(nn.Module):
    """Two 3 x 3 convolutions, each followed by a ReLU; sides are kept.

    Args:
        channels: Channels coming in.
        filters: Channels going out.
    """

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(channels, filters, 3, padding=1)
        self.conv1 = nn.Conv2d(filters, filters, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, channels, N, N) to (B, filters, N, N)."""
        hidden = functional.relu(self.conv0(features))
        return functional.relu(self.conv1(hidden))


class BlockAttention(nn.Module):
    """Weigh channels by what they hold on the whole, then pixels by what the channels hold there.

    Args:
        channels: Channels coming in and going out.

    Source:
        Woo, Park, Lee and Kweon, ECCV 2018 (CBAM).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = attention_width(channels)
        self.squeeze = nn.Conv2d(channels, narrow, 1)
        self.spread = nn.Conv2d(narrow, channels, 1)
        self.look = nn.Conv2d(2, 1, ATTENTION_REACH, padding=ATTENTION_REACH // 2)

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, channels, N, N) to the same shape, every factor between 0 and 1."""
        mean, most = features.mean(dim=(2, 3), keepdim=True), features.amax(dim=(2, 3), keepdim=True)
        features = features * torch.sigmoid(self._judge(mean) + self._judge(most))
        seen = torch.cat([features.mean(dim=1, keepdim=True), features.amax(dim=1, keepdim=True)], dim=1)
        return features * torch.sigmoid(self.look(seen))

    def _judge(self, summary: Tensor) -> Tensor:
        judged: Tensor = self.spread(functional.relu(self.squeeze(summary)))
        return judged


class Encoder(nn.Module):
    """Halve the sides level by level while the channels grow, down to the bottleneck.

    Args:
        channels: Channels coming in.
        filters: Channels of each level.
        attentive: Weigh channels and pixels at the end of each level.
    """

    def __init__(self, channels: int, filters: Sequence[int], *, attentive: bool = False) -> None:
        super().__init__()
        sizes = [channels, *filters]
        self.levels = nn.ModuleList(ConvPair(a, b) for a, b in itertools.pairwise(sizes))
        self.attention = nn.ModuleList(BlockAttention(b) for b in filters if attentive)

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, channels, N, N) to (B, filters[-1], N / 2^levels, N / 2^levels)."""
        for number, level in enumerate(self.levels):
            features = level(features)
            if self.attention:
                features = self.attention[number](features)
            features = functional.max_pool2d(features, 2)
        return features


class Decoder(nn.Module):
    """Double the sides level by level, down to the channels of the head.

    Args:
        channels: Channels of the bottleneck.
        filters: Channels of each level.
    """

    def __init__(self, channels: int, filters: Sequence[int]) -> None:
        super().__init__()
        sizes = [channels, *filters]
        self.levels = nn.ModuleList(ConvPair(a, b) for a, b in itertools.pairwise(sizes))

    def forward(self, features: Tensor) -> Tensor:
        """Map the bottleneck (B, channels, n, n) to (B, filters[-1], n * 2^levels, n * 2^levels)."""
        for level in self.levels:
            features = upsample(level(features))
        return features


class Head(nn.Module):
    """Turn features into one bounded image per position, centre and outer frame apart where asked.

    With `padded`, features of side N/2 give the central square and zeros surround it; with `framed`, a
    second branch takes the last channels, doubles their side and fills the surroundings.

    Args:
        channels: Feature channels coming in.
        images: Images going out (positions of a group).
        activation: Bounds the images.
        padded: Features cover the central N/2 square only.
        framed: Fill the outer frame by the second branch.
    """

    def __init__(
        self,
        channels: int,
        images: int,
        activation: Callable[[Tensor], Tensor],
        *,
        padded: bool,
        framed: bool,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.padded = padded
        self.framed = framed and padded
        kept = channels - FRAME_CHANNELS if self.framed else channels
        self.split = kept
        self.centre = nn.Conv2d(kept, images, 3, padding=1)
        if self.framed:
            self.frame_pair = ConvPair(FRAME_CHANNELS, 2 * FRAME_CHANNELS)
            self.frame = nn.Conv2d(2 * FRAME_CHANNELS, images, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, channels, n, n) to (B, images, N, N) with N = 2 n where padded, else N = n."""
        centre = self.activation(self.centre(features[:, : self.split]))
        if not self.padded:
            return centre
        border = features.shape[-1] // 2
        centre = functional.pad(centre, (border, border, border, border))
        if not self.framed:
            return centre
        outer = self.activation(self.frame(self.frame_pair(upsample(features[:, self.split :]))))
        inside = functional.pad(torch.ones_like(outer[..., border:-border, border:-border]), (border,) * 4)
        return centre + outer * (1 - inside)


class UNet(nn.Module):
    """A U-Net with skip connections: local in, local out, full resolution throughout.

    Args:
        channels: Channels coming in.
        images: Channels going out.
        width: Channels of the first level; each level doubles them.
        levels: Times that the sides are halved.
    """

    def __init__(self, channels: int, images: int, width: int, levels: int) -> None:
        super().__init__()
        sizes = [width * 2**level for level in range(levels + 1)]
        self.down = nn.ModuleList(
            ConvPair(a, b) for a, b in zip([channels, *sizes[:-2]], sizes[:-1], strict=True)
        )
        self.bottom = ConvPair(sizes[-2], sizes[-1])
        self.up = nn.ModuleList(
            ConvPair(below + here, here)
            for below, here in zip(reversed(sizes[1:]), reversed(sizes[:-1]), strict=True)
        )
        self.last = nn.Conv2d(width, images, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, channels, N, N) to (B, images, N, N), unbounded."""
        kept: list[Tensor] = []
        for level in self.down:
            features = level(features)
            kept.append(features)
            features = functional.max_pool2d(features, 2)
        features = self.bottom(features)
        for level, skip in zip(self.up, reversed(kept), strict=True):
            features = level(torch.cat([upsample(features), skip], dim=1))
        result: Tensor = self.last(features)
        return result


def bounded_phase(features: Tensor) -> Tensor:
    """Bound a phase to (-pi, pi) in radians."""
    return math.pi * torch.tanh(features)
