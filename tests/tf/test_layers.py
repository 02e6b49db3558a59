"""Blocks of the networks keep their promises about sides, bounds and starting values."""

import math

import numpy as np
import pytest
import tensorflow as tf

from ptycho.network.initial import draw_kernel
from ptycho.tf.layers import (
    BlockAttention,
    ConvPair,
    Decoder,
    Encoder,
    Head,
    UNet,
    amplitude_activation,
    bounded_phase,
    convolutions,
    halve,
    initialise,
    upsample,
)


def test_initialisation_is_glorot_with_zero_bias():
    """Kernels fill Glorot's interval and no more; biases are zero."""
    network = UNet(2, 2, 8, 2)
    initialise(network, seed=0)
    for _, part in convolutions(network):
        height, width, channels, filters = part.kernel.shape
        bound = math.sqrt(6 / (height * width * (channels + filters)))
        assert np.abs(part.kernel.numpy()).max() <= bound
        assert np.std(part.kernel.numpy()) == pytest.approx(bound / math.sqrt(3), rel=0.2)
        assert not part.bias.numpy().any()


def test_kernels_depend_on_name_and_seed_alone():
    """Each kernel is the one that its canonical name draws."""
    encoder = Encoder(1, (4, 8), attentive=True)
    initialise(encoder, seed=3, prefix="core/encoder/")
    names = [name for name, _ in convolutions(encoder, "core/encoder/")]
    assert names[:3] == [f"core/encoder/levels/{p}" for p in ("0/conv0", "0/conv1", "1/conv0")]
    assert "core/encoder/attention/1/look" in names
    for name, part in convolutions(encoder, "core/encoder/"):
        drawn = draw_kernel(f"{name}/kernel", tuple(part.kernel.shape), 3)
        np.testing.assert_array_equal(part.kernel.numpy(), drawn)


def test_encoder_reaches_the_bottleneck():
    """Each level halves the sides."""
    assert Encoder(1, (4, 8, 16))(tf.ones((2, 64, 64, 1))).shape == (2, 8, 8, 16)


def test_decoder_doubles_the_sides():
    """Each level doubles the sides."""
    assert Decoder(16, (8, 4))(tf.ones((2, 8, 8, 16))).shape == (2, 32, 32, 4)


def test_unet_keeps_the_side():
    """Full resolution in, full resolution out."""
    assert UNet(5, 2, 4, 2)(tf.ones((3, 40, 40, 5))).shape == (3, 40, 40, 2)


def test_halving_undoes_doubling(rng):
    """Repeated pixels have themselves as the largest of each square."""
    features = tf.constant(rng.standard_normal((2, 6, 8, 3)), tf.float32)
    doubled = upsample(features).numpy()
    np.testing.assert_array_equal(doubled, features.numpy().repeat(2, axis=1).repeat(2, axis=2))
    np.testing.assert_array_equal(halve(tf.constant(doubled)), features)


def test_padded_head_is_zero_outside_the_centre():
    """Without the frame branch, nothing surrounds the central square."""
    image = Head(8, 1, tf.sigmoid, padded=True, framed=False)(tf.ones((1, 16, 16, 8))).numpy()
    assert image.shape == (1, 32, 32, 1)
    assert image[:, 8:24, 8:24].min() > 0
    image[:, 8:24, 8:24] = 0
    assert not image.any()


def test_framed_head_fills_the_outer_frame_only(rng):
    """The second branch leaves the centre to the first and fills all around it."""
    head = Head(8, 1, tf.sigmoid, padded=True, framed=True)
    initialise(head, seed=0)
    features = rng.random((1, 16, 16, 8)).astype(np.float32)
    image = head(tf.constant(features)).numpy()
    assert image.min() > 0
    features[..., -4:] += 1
    changed = head(tf.constant(features)).numpy() != image
    assert not changed[:, 8:24, 8:24].any()
    assert changed[:, 0].any()


def test_attention_only_dims(rng):
    """Every factor lies between 0 and 1, and the shape stays."""
    attention = BlockAttention(32)
    initialise(attention, seed=0)
    features = rng.random((2, 8, 8, 32)).astype(np.float32) + 0.1
    share = attention(tf.constant(features)).numpy() / features
    assert share.shape == features.shape
    assert 0 < share.min() < share.max() < 1


def test_phase_is_bounded():
    """Any feature gives a phase between -pi and pi."""
    phases = bounded_phase(tf.constant([-1e4, 0.0, 1e4])).numpy().tolist()
    assert phases == pytest.approx([-math.pi, 0, math.pi])


def test_sigmoid_does_not_amplify():
    """The default amplitude lies between 0 and 1."""
    bounded = amplitude_activation("sigmoid")(tf.constant([-200.0, 200.0])).numpy().tolist()
    assert bounded == pytest.approx([0, 1])


def test_an_unknown_activation_is_an_error():
    """The error names the ones that exist."""
    with pytest.raises(ValueError, match="Unknown activation") as error:
        amplitude_activation("tanh")
    assert str(error.value) == "Unknown activation: tanh\n  expected  one of relu, sigmoid, softplus, swish"


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_lives_in_convolutions(policy):
    """Weights and images stay float32, features between are half, whatever comes in."""
    pair = ConvPair(2, 4, dtype=policy)
    half = policy.removeprefix("mixed_")
    assert pair.conv0.kernel.dtype == "float32"
    assert pair(tf.ones((1, 8, 8, 2))).dtype == half
    head = Head(8, 1, tf.sigmoid, padded=True, framed=True, dtype=policy)
    assert head(tf.ones((1, 8, 8, 8))).dtype == tf.float32
