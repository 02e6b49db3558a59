"""Building blocks of the networks, written once over the layers of a backend.

Half precision, where a training asks for it, lives in the convolutions alone: whoever leaves the features for
images or physics goes back to the precision of the measurement.

Shape legend: B groups, F feature channels, N patch side. Features are (B, F, N, N) or (B, N, N, F), as the
backend's convolutions like them.

Source:
    Block attention: Woo, Park, Lee and Kweon, ECCV 2018 (CBAM), reach and narrowing as there.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ptycho.physics.operations import Array

    from .layers import Layers

FRAME_CHANNELS = 4
"""Feature channels of a head that are kept for the outer frame of the patch."""

ATTENTION_REACH = 7
"""Side in pixels of the window in which block attention looks around a pixel."""

ATTENTION_SQUEEZE = 16
"""Factor by which block attention narrows the channels in between."""


class Block:
    """A part of a network: its attributes are blocks, lists of blocks, and layers that hold weights.

    The names of those attributes are the canonical names of the weights, which bundles hold: renaming one
    makes every older bundle unreadable.
    """

    __call__: Callable[..., Array]

    def __init__(self, layers: Layers) -> None:
        self._layers = layers

    def parts(self, path: str = "") -> Iterator[tuple[str, Any]]:
        """Walk all layers that hold weights, with their canonical names, such as `encoder/levels/0/conv0`."""
        for name, value in vars(self).items():
            if name.startswith("_"):
                continue
            numbered = isinstance(value, list)
            for number, member in enumerate(value if numbered else [value]):
                place = f"{path}{name}/{number}" if numbered else f"{path}{name}"
                if isinstance(member, Block):
                    yield from member.parts(f"{place}/")
                elif isinstance(member, self._layers.part_type):
                    yield place, member

    def channels(self, features: Array, start: int | None, stop: int | None) -> Array:
        """Take some channels of features."""
        window = [slice(None)] * 4
        window[self._layers.channel_axis] = slice(start, stop)
        return features[tuple(window)]


def bounded_phase(layers: Layers) -> Callable[[Array], Array]:
    """Give the function that bounds a phase to (-pi, pi) in radians."""
    return lambda features: math.pi * layers.ops.tanh(features)


class ConvPair(Block):
    """Two 3 x 3 convolutions, each followed by a ReLU; sides are kept.

    Args:
        layers: Layers of the backend.
        channels: Channels coming in.
        filters: Channels going out.
    """

    def __init__(self, layers: Layers, channels: int, filters: int) -> None:
        super().__init__(layers)
        self.conv0 = layers.convolution(channels, filters)
        self.conv1 = layers.convolution(filters, filters)

    def __call__(self, features: Array) -> Array:
        """Map `channels` to `filters` channels."""
        relu = self._layers.relu
        return relu(self.conv1(relu(self.conv0(features))))


class BlockAttention(Block):
    """Weigh channels by what they hold on the whole, then pixels by what the channels hold there.

    Args:
        layers: Layers of the backend.
        channels: Channels coming in and going out.
    """

    def __init__(self, layers: Layers, channels: int) -> None:
        super().__init__(layers)
        narrow = max(1, channels // ATTENTION_SQUEEZE)
        self.squeeze = layers.convolution(channels, narrow, reach=1)
        self.spread = layers.convolution(narrow, channels, reach=1)
        self.look = layers.convolution(2, 1, reach=ATTENTION_REACH)

    def __call__(self, features: Array) -> Array:
        """Multiply every feature by factors between 0 and 1."""
        layers, ops = self._layers, self._layers.ops
        mean = ops.reduce_mean(features, layers.pixel_axes, keepdims=True)
        largest = ops.reduce_max(features, layers.pixel_axes, keepdims=True)
        features = features * layers.sigmoid(self._weigh(mean) + self._weigh(largest))
        axis = layers.channel_axis
        mean = ops.reduce_mean(features, axis, keepdims=True)
        largest = ops.reduce_max(features, axis, keepdims=True)
        return features * layers.sigmoid(self.look(ops.concat([mean, largest], axis)))

    def _weigh(self, summary: Array) -> Array:
        return self.spread(self._layers.relu(self.squeeze(summary)))


class Encoder(Block):
    """Halve the sides level by level while the channels grow, down to the bottleneck.

    Args:
        layers: Layers of the backend.
        channels: Channels coming in.
        filters: Channels of each level.
        attentive: Weigh channels and pixels at the end of each level.
    """

    def __init__(
        self, layers: Layers, channels: int, filters: Sequence[int], *, attentive: bool = False
    ) -> None:
        super().__init__(layers)
        self.levels = [ConvPair(layers, a, b) for a, b in itertools.pairwise([channels, *filters])]
        self.attention = [BlockAttention(layers, b) for b in filters if attentive]

    def __call__(self, features: Array) -> Array:
        """Map N x N pixels of `channels` to N / 2^levels squared of filters[-1] channels."""
        for number, level in enumerate(self.levels):
            features = level(features)
            if self.attention:
                features = self.attention[number](features)
            features = self._layers.halve(features)
        return features


class Decoder(Block):
    """Double the sides level by level, down to the channels of the head.

    Args:
        layers: Layers of the backend.
        channels: Channels of the bottleneck.
        filters: Channels of each level.
    """

    def __init__(self, layers: Layers, channels: int, filters: Sequence[int]) -> None:
        super().__init__(layers)
        self.levels = [ConvPair(layers, a, b) for a, b in itertools.pairwise([channels, *filters])]

    def __call__(self, features: Array) -> Array:
        """Map the bottleneck's n x n pixels to n * 2^levels squared of filters[-1] channels."""
        for level in self.levels:
            # Pixels are repeated and convolved later: a transposed convolution leaves a checkerboard (Odena,
            # Dumoulin and Olah, Distill 2016).
            features = self._layers.upsample(level(features))
        return features


class Head(Block):
    """Turn features into one bounded image per position, centre and outer frame apart where asked.

    With `padded`, features of side N/2 give the central square and zeros surround it; with `framed`, a
    second branch takes the last channels, doubles their side and fills the surroundings.

    Args:
        layers: Layers of the backend.
        channels: Feature channels coming in.
        images: Images going out (positions of a group).
        activation: Bounds the images.
        padded: Features cover the central N/2 square only.
        framed: Fill the outer frame by the second branch.
    """

    def __init__(
        self,
        layers: Layers,
        channels: int,
        images: int,
        activation: Callable[[Array], Array],
        *,
        padded: bool,
        framed: bool,
    ) -> None:
        super().__init__(layers)
        self._activation = activation
        self._padded = padded
        self._framed = framed and padded
        self._split = channels - FRAME_CHANNELS if self._framed else channels
        self.centre = layers.convolution(self._split, images)
        if self._framed:
            self.frame_pair = ConvPair(layers, FRAME_CHANNELS, 2 * FRAME_CHANNELS)
            self.frame = layers.convolution(2 * FRAME_CHANNELS, images)

    def __call__(self, features: Array, like: Array) -> Array:
        """Map features of n x n pixels to images of N x N, N = 2 n where padded, else N = n.

        Images leave in the precision of `like`, whatever the convolutions compute in.
        """
        layers, ops = self._layers, self._layers.ops
        inner = self.centre(self.channels(features, None, self._split))
        centre = self._activation(ops.cast_like(inner, like))
        if not self._padded:
            return centre
        border = features.shape[2] // 2
        padded = layers.surround(centre, border)
        if not self._framed:
            return padded
        frame = self.frame(self.frame_pair(layers.upsample(self.channels(features, self._split, None))))
        outer = self._activation(ops.cast_like(frame, like))
        inside = layers.surround(ops.ones(ops.shape(centre)[1:], centre)[None], border)
        return padded + outer * (1 - inside)


class UNet(Block):
    """A U-Net with skip connections: local in, local out, full resolution throughout.

    Args:
        layers: Layers of the backend.
        channels: Channels coming in.
        images: Channels going out.
        sizes: Channels of each level, finest first; between two levels the sides are halved.
    """

    def __init__(self, layers: Layers, channels: int, images: int, sizes: Sequence[int]) -> None:
        super().__init__(layers)
        self.down = [ConvPair(layers, a, b) for a, b in zip([channels, *sizes[:-2]], sizes[:-1], strict=True)]
        self.bottom = ConvPair(layers, sizes[-2], sizes[-1])
        self.up = [
            ConvPair(layers, below + here, here)
            for below, here in zip(reversed(sizes[1:]), reversed(sizes[:-1]), strict=True)
        ]
        self.last = layers.convolution(sizes[0], images)

    def __call__(self, features: Array) -> Array:
        """Map `channels` to `images` channels of the same sides, unbounded."""
        layers = self._layers
        skips: list[Array] = []
        for level in self.down:
            features = level(features)
            skips.append(features)
            features = layers.halve(features)
        features = self.bottom(features)
        for level, skip in zip(self.up, reversed(skips), strict=True):
            # What comes from below first, then the skip: the order of channels is part of the weights that
            # bundles hold.
            features = level(layers.ops.concat([layers.upsample(features), skip], layers.channel_axis))
        return self.last(features)
