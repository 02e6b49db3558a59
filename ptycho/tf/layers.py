"""Layers of Keras under `ptycho.network.blocks`. Features are (B, N, N, F): convolutions are fastest so.

Source:
    `ptycho.network.layers.Layers`, which says what each of them does.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, TypeAlias

import keras
import tensorflow as tf

from ptycho.network.activations import require_activation
from ptycho.network.blocks import Block
from ptycho.physics.operations import Operations

from . import operations
from .physics import PHYSICS

Policy: TypeAlias = str | keras.DTypePolicy | None
"""What Keras takes as `dtype`: "float32", "float64", "mixed_bfloat16" ...; None is the global policy."""


class Convolution(keras.layers.Layer):
    """A convolution that keeps the sides; half precision, where a policy asks for it, begins and ends here.

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


class KerasLayers:
    """Convolutions of one precision, and TensorFlow's ways between resolutions.

    Args:
        dtype: Precision of the weights and the convolutions.
    """

    ops: ClassVar[Operations] = operations
    physics: ClassVar = PHYSICS
    part_type: ClassVar[type] = keras.layers.Layer
    channel_axis: ClassVar[int] = -1
    pixel_axes: ClassVar[tuple[int, int]] = (1, 2)
    activations: ClassVar[dict[str, Callable[[tf.Tensor], tf.Tensor]]] = {
        "sigmoid": tf.sigmoid,
        "swish": tf.nn.silu,
        "softplus": tf.nn.softplus,
        "relu": tf.nn.relu,
    }
    relu = staticmethod(tf.nn.relu)
    sigmoid = staticmethod(tf.sigmoid)

    def __init__(self, dtype: Policy = None) -> None:
        self._dtype = dtype

    def convolution(self, channels: int, filters: int, *, reach: int = 3) -> Convolution:
        """Make a convolution of this precision."""
        return Convolution(channels, filters, reach=reach, dtype=self._dtype)

    def activation(self, name: str) -> Callable[[tf.Tensor], tf.Tensor]:
        """Look the bound of the amplitude up."""
        require_activation(name)
        return self.activations[name]

    def upsample(self, features: tf.Tensor) -> tf.Tensor:
        """Repeat by broadcasting, whose gradient is a plain sum."""
        count, height, width, channels = operations.shape(features)
        spread = tf.broadcast_to(features[:, :, None, :, None], (count, height, 2, width, 2, channels))
        doubled = tf.reshape(spread, (count, 2 * height, 2 * width, channels))
        sides = (None if side is None else 2 * side for side in features.shape[1:3])
        return tf.ensure_shape(doubled, (features.shape[0], *sides, channels))

    def halve(self, features: tf.Tensor) -> tf.Tensor:
        """Pool without padding."""
        return tf.nn.max_pool2d(features, 2, 2, "VALID")

    def surround(self, features: tf.Tensor, border: int) -> tf.Tensor:
        """Pad the axes in the middle."""
        return tf.pad(features, ((0, 0), (border, border), (border, border), (0, 0)))

    def from_images(self, images: tf.Tensor) -> tf.Tensor:
        """Move positions behind the pixels; a single one needs no copy."""
        return images[:, 0, ..., None] if images.shape[1] == 1 else tf.transpose(images, (0, 2, 3, 1))

    def to_images(self, features: tf.Tensor) -> tf.Tensor:
        """Move channels in front of the pixels; a single one needs no copy."""
        return features[:, None, ..., 0] if features.shape[-1] == 1 else tf.transpose(features, (0, 3, 1, 2))

    def fold(self, planes: Sequence[tf.Tensor], factor: int) -> tf.Tensor:
        """Fold plane by plane: folded together, TensorFlow would mix the channels of the planes."""
        return tf.concat([tf.nn.space_to_depth(plane[..., None], factor) for plane in planes], axis=-1)

    def unfold(self, features: tf.Tensor, factor: int) -> list[tf.Tensor]:
        """Unfold plane by plane."""
        parts = tf.split(features, features.shape[-1] // factor**2, axis=-1)
        return [tf.nn.depth_to_space(part, factor)[..., 0] for part in parts]


class Core(keras.layers.Layer):
    """Blocks of a network, with their layers tracked by Keras.

    Args:
        blocks: What is called, and holds the layers.
        dtype: Precision.
    """

    def __init__(self, blocks: Block, *, dtype: Policy = None) -> None:
        super().__init__(dtype=dtype, autocast=False)
        self.blocks = blocks
        self.tracked = [part for _, part in blocks.parts()]
        self.built = True

    def __call__(self, *inputs: object) -> tf.Tensor:
        """Call the blocks themselves: Keras would cast, and knows no arguments that are not tensors."""
        return self.blocks(*inputs)


def named_weights(core: keras.layers.Layer) -> Iterator[tuple[str, Any]]:
    """Walk the weights of a core by canonical name, such as `core/encoder/levels/0/conv0/kernel`."""
    parts = core.blocks.parts("core/") if isinstance(core, Core) else _sublayers(core, "core/")
    for place, part in parts:
        for variable in part.variables:
            yield f"{place}/{variable.name}", variable


def _sublayers(layer: keras.layers.Layer, path: str) -> Iterator[tuple[str, keras.layers.Layer]]:
    """Walk the layers of a layer that is not made of blocks, by the names of its attributes."""
    for name, value in vars(layer).items():
        numbered = isinstance(value, list)
        if name.startswith("_"):
            continue
        for number, member in enumerate(value if numbered else [value]):
            if isinstance(member, keras.layers.Layer):
                place = f"{path}{name}/{number}" if numbered else f"{path}{name}"
                inner = list(_sublayers(member, f"{place}/"))
                yield from inner or [(place, member)]
