"""Building blocks of the networks: convolutions, levels, heads, activations, initialisation.

Channels come last inside: convolutions are fastest so. Half precision, where a policy asks for it, lives in
the convolutions alone; whatever the blocks pass on keeps the dtype that it has.

Shape legend: B groups, F feature channels, N patch side.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import keras
import tensorflow as tf

from ptycho.network.architecture import (
    ATTENTION_REACH,
    FRAME_CHANNELS,
    attention_width,
    require_activation,
)
from ptycho.network.initial import draw_kernel

Policy: TypeAlias = str | keras.DTypePolicy | None
"""What Keras takes as `dtype`: "float32", "float64", "mixed_bfloat16" ...; None is the global policy."""

ACTIVATIONS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "sigmoid": tf.sigmoid,
    "swish": tf.nn.silu,
    "softplus": tf.nn.softplus,
    "relu": tf.nn.relu,
}


def amplitude_activation(name: str) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return the function that bounds the object amplitude.

    Raises:
        ValueError: The name is none of the known activations.
    """
    require_activation(name)
    return ACTIVATIONS[name]


def bounded_phase(features: tf.Tensor) -> tf.Tensor:
    """Bound a phase to (-pi, pi) in radians."""
    return math.pi * tf.tanh(features)


class Convolution(keras.layers.Layer):
    """A convolution, of 3 x 3 pixels unless told otherwise, that keeps the sides.

    Args:
        channels: Channels coming in.
        filters: Channels going out.
        reach: Side of the kernel in pixels.
        dtype: Precision.
    """

    def __init__(self, channels: int, filters: int, *, reach: int = 3, dtype: Policy = None) -> None:
        super().__init__(dtype=dtype)
        shape = (reach, reach, channels, filters)
        self.kernel = self.add_weight(shape=shape, initializer="zeros", name="kernel")
        self.bias = self.add_weight(shape=(filters,), initializer="zeros", name="bias")
        self.built = True

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Map (B, N, N, channels) to (B, N, N, filters)."""
        mapped = tf.nn.conv2d(features, tf.convert_to_tensor(self.kernel), 1, "SAME")
        return tf.nn.bias_add(mapped, tf.convert_to_tensor(self.bias))


class Block(keras.layers.Layer):
    """What is made of convolutions: built at once, and blind to policies, which the convolutions obey."""

    def __init__(self, *, dtype: Policy = None) -> None:
        super().__init__(dtype=dtype, autocast=False)
        self.built = True


def convolutions(part: keras.layers.Layer, path: str = "") -> Iterator[tuple[str, Convolution]]:
    """Walk all convolutions of a block, with their canonical names, such as `encoder/levels/0/conv0`."""
    for name, value in vars(part).items():
        if name.startswith("_"):
            continue
        members = [value] if isinstance(value, keras.layers.Layer) else value
        if not isinstance(members, list):
            continue
        for number, member in enumerate(members):
            place = f"{path}{name}" if members is not value else f"{path}{name}/{number}"
            if isinstance(member, Convolution):
                yield place, member
            elif isinstance(member, keras.layers.Layer):
                yield from convolutions(member, f"{place}/")


def initialise(part: keras.layers.Layer, seed: int, prefix: str = "core/") -> None:
    """Draw every convolution kernel from Glorot's uniform law and zero every bias.

    Args:
        part: The block to fill.
        seed: Seed of the training; with the canonical names it decides everything.
        prefix: Canonical name of the block, with a slash.
    """
    for name, convolution in convolutions(part, prefix):
        shape = tuple(convolution.kernel.shape)
        convolution.kernel.assign(draw_kernel(f"{name}/kernel", shape, seed))
        convolution.bias.assign(tf.zeros_like(convolution.bias))


def upsample(features: tf.Tensor) -> tf.Tensor:
    """Double both sides of (B, N, N, F) by repeating pixels."""
    shape = tf.shape(features)
    count, height, width, channels = shape[0], shape[1], shape[2], features.shape[-1]
    spread = tf.broadcast_to(features[:, :, None, :, None], (count, height, 2, width, 2, channels))
    doubled = tf.reshape(spread, (count, 2 * height, 2 * width, channels))
    sides = (None if side is None else 2 * side for side in features.shape[1:3])
    return tf.ensure_shape(doubled, (features.shape[0], *sides, channels))


def halve(features: tf.Tensor) -> tf.Tensor:
    """Keep the largest of each 2 x 2 pixels of (B, N, N, F)."""
    return tf.nn.max_pool2d(features, 2, 2, "VALID")


class ConvPair(Block):
    """Two 3 x 3 convolutions, each followed by a ReLU; sides are kept.

    Args:
        channels: Channels coming in.
        filters: Channels going out.
        dtype: Precision.
    """

    def __init__(self, channels: int, filters: int, *, dtype: Policy = None) -> None:
        super().__init__(dtype=dtype)
        self.conv0 = Convolution(channels, filters, dtype=dtype)
        self.conv1 = Convolution(filters, filters, dtype=dtype)

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Map (B, N, N, channels) to (B, N, N, filters)."""
        hidden = tf.nn.relu(self.conv0(features))
        return tf.nn.relu(self.conv1(hidden))


class BlockAttention(Block):
    """Weigh channels by what they hold on the whole, then pixels by what the channels hold there.

    Args:
        channels: Channels coming in and going out.
        dtype: Precision.

    Source:
        Woo, Park, Lee and Kweon, ECCV 2018 (CBAM).
    """

    def __init__(self, channels: int, *, dtype: Policy = None) -> None:
        super().__init__(dtype=dtype)
        narrow = attention_width(channels)
        self.squeeze = Convolution(channels, narrow, reach=1, dtype=dtype)
        self.spread = Convolution(narrow, channels, reach=1, dtype=dtype)
        self.look = Convolution(2, 1, reach=ATTENTION_REACH, dtype=dtype)

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Map (B, N, N, channels) to the same shape, every factor between 0 and 1."""
        mean = tf.reduce_mean(features, axis=(1, 2), keepdims=True)
        most = tf.reduce_max(features, axis=(1, 2), keepdims=True)
        features = features * tf.sigmoid(self._judge(mean) + self._judge(most))
        mean, most = (reduce(features, axis=3, keepdims=True) for reduce in (tf.reduce_mean, tf.reduce_max))
        return features * tf.sigmoid(self.look(tf.concat([mean, most], axis=-1)))

    def _judge(self, summary: tf.Tensor) -> tf.Tensor:
        return self.spread(tf.nn.relu(self.squeeze(summary)))


class Encoder(Block):
    """Halve the sides level by level while the channels grow, down to the bottleneck.

    Args:
        channels: Channels coming in.
        filters: Channels of each level.
        attentive: Weigh channels and pixels at the end of each level.
        dtype: Precision.
    """

    def __init__(
        self, channels: int, filters: Sequence[int], *, attentive: bool = False, dtype: Policy = None
    ) -> None:
        super().__init__(dtype=dtype)
        sizes = [channels, *filters]
        self.levels = [ConvPair(a, b, dtype=dtype) for a, b in itertools.pairwise(sizes)]
        self.attention = [BlockAttention(b, dtype=dtype) for b in filters if attentive]

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Map (B, N, N, channels) to (B, N / 2^levels, N / 2^levels, filters[-1])."""
        for number, level in enumerate(self.levels):
            features = level(features)
            if self.attention:
                features = self.attention[number](features)
            features = halve(features)
        return features


class Decoder(Block):
    """Double the sides level by level, down to the channels of the head.

    Args:
        channels: Channels of the bottleneck.
        filters: Channels of each level.
        dtype: Precision.
    """

    def __init__(self, channels: int, filters: Sequence[int], *, dtype: Policy = None) -> None:
        super().__init__(dtype=dtype)
        sizes = [channels, *filters]
        self.levels = [ConvPair(a, b, dtype=dtype) for a, b in itertools.pairwise(sizes)]

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Map the bottleneck (B, n, n, channels) to (B, n * 2^levels, n * 2^levels, filters[-1])."""
        for level in self.levels:
            features = upsample(level(features))
        return features


class Head(Block):
    """Turn features into one bounded image per position, centre and outer frame apart where asked.

    With `padded`, features of side N/2 give the central square and zeros surround it; with `framed`, a
    second branch takes the last channels, doubles their side and fills the surroundings. Images leave in
    the precision of the weights, whatever the convolutions compute in.

    Args:
        channels: Feature channels coming in.
        images: Images going out (positions of a group).
        activation: Bounds the images.
        padded: Features cover the central N/2 square only.
        framed: Fill the outer frame by the second branch.
        dtype: Precision.
    """

    def __init__(
        self,
        channels: int,
        images: int,
        activation: Callable[[tf.Tensor], tf.Tensor],
        *,
        padded: bool,
        framed: bool,
        dtype: Policy = None,
    ) -> None:
        super().__init__(dtype=dtype)
        self.activation = activation
        self.padded = padded
        self.framed = framed and padded
        kept = channels - FRAME_CHANNELS if self.framed else channels
        self.split = kept
        self.centre = Convolution(kept, images, dtype=dtype)
        if self.framed:
            self.frame_pair = ConvPair(FRAME_CHANNELS, 2 * FRAME_CHANNELS, dtype=dtype)
            self.frame = Convolution(2 * FRAME_CHANNELS, images, dtype=dtype)

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Map (B, n, n, channels) to (B, N, N, images) with N = 2 n where padded, else N = n."""
        inner = self.centre(features[..., : self.split])
        centre = self.activation(tf.cast(inner, self.variable_dtype))
        if not self.padded:
            return centre
        side = features.shape[2]
        border = side // 2
        rim = ((0, 0), (border, border), (border, border), (0, 0))
        centre = tf.pad(centre, rim)
        if not self.framed:
            return centre
        frame = self.frame(self.frame_pair(upsample(features[..., self.split :])))
        outer = self.activation(tf.cast(frame, self.variable_dtype))
        inside = tf.pad(tf.ones((1, side, side, 1), outer.dtype), rim)
        return centre + outer * (1 - inside)


class UNet(Block):
    """A U-Net with skip connections: local in, local out, full resolution throughout.

    Args:
        channels: Channels coming in.
        images: Channels going out.
        width: Channels of the first level; each level doubles them.
        levels: Times that the sides are halved.
        dtype: Precision.
    """

    def __init__(self, channels: int, images: int, width: int, levels: int, *, dtype: Policy = None) -> None:
        super().__init__(dtype=dtype)
        sizes = [width * 2**level for level in range(levels + 1)]
        self.down = [
            ConvPair(a, b, dtype=dtype) for a, b in zip([channels, *sizes[:-2]], sizes[:-1], strict=True)
        ]
        self.bottom = ConvPair(sizes[-2], sizes[-1], dtype=dtype)
        self.up = [
            ConvPair(below + here, here, dtype=dtype)
            for below, here in zip(reversed(sizes[1:]), reversed(sizes[:-1]), strict=True)
        ]
        self.last = Convolution(width, images, dtype=dtype)

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Map (B, N, N, channels) to (B, N, N, images), unbounded."""
        kept: list[tf.Tensor] = []
        for level in self.down:
            features = level(features)
            kept.append(features)
            features = halve(features)
        features = self.bottom(features)
        for level, skip in zip(self.up, reversed(kept), strict=True):
            features = level(tf.concat([upsample(features), skip], axis=-1))
        return self.last(features)
