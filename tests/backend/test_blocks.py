"""Blocks of the networks keep their promises about sides, bounds and starting values."""

import math

import numpy as np
import pytest

from ptycho.network.blocks import BlockAttention, Decoder, Encoder, Head, UNet, bounded_phase


def run(side, block, pixels):
    """Run a block over features (B, F, N, N)."""
    return side.pixels(side.start(block)(side.features(pixels.astype(np.float32))))


def head(side, *, framed):
    """Make a padded head of eight channels, bounded by a sigmoid."""
    bound = side.layers.activation("sigmoid")
    return side.start(Head(side.layers, 8, 1, bound, padded=True, framed=framed))


def image_of(side, block, pixels):
    """Run a head over features (B, F, N, N)."""
    features = side.features(pixels.astype(np.float32))
    return side.pixels(block(features, features)).copy()


def test_encoder_reaches_the_bottleneck(side):
    """Each level halves the sides."""
    assert run(side, Encoder(side.layers, 1, (4, 8, 16)), np.ones((2, 1, 64, 64))).shape == (2, 16, 8, 8)


def test_decoder_doubles_the_sides(side):
    """Each level doubles the sides."""
    assert run(side, Decoder(side.layers, 16, (8, 4)), np.ones((2, 16, 8, 8))).shape == (2, 4, 32, 32)


def test_unet_keeps_the_side(side):
    """Full resolution in, full resolution out."""
    assert run(side, UNet(side.layers, 5, 2, (4, 8, 16)), np.ones((3, 5, 40, 40))).shape == (3, 2, 40, 40)


def test_halving_undoes_doubling(side, rng):
    """Repeated pixels have themselves as the largest of each square."""
    pixels = rng.standard_normal((2, 3, 6, 8)).astype(np.float32)
    doubled = side.layers.upsample(side.features(pixels))
    np.testing.assert_array_equal(side.pixels(doubled), pixels.repeat(2, axis=2).repeat(2, axis=3))
    np.testing.assert_array_equal(side.pixels(side.layers.halve(doubled)), pixels)


def test_folding_keeps_the_pixels_of_a_plane_together(side, rng):
    """Channels are ordered by plane, then row, then column of the square: bundles rely on it."""
    planes = [rng.standard_normal((2, 8, 8)) for _ in range(3)]
    folded = side.layers.fold([side.tensor(plane) for plane in planes], 2)
    channels = side.pixels(folded)
    assert channels.shape == (2, 12, 4, 4)
    for channel in range(12):
        plane, row, column = np.unravel_index(channel, (3, 2, 2))
        np.testing.assert_array_equal(channels[:, channel], planes[plane][:, row::2, column::2])
    for back, plane in zip(side.layers.unfold(folded, 2), planes, strict=True):
        np.testing.assert_array_equal(side.array(back), plane)


def test_padded_head_is_zero_outside_the_centre(side):
    """Without the frame branch, nothing surrounds the central square."""
    image = image_of(side, head(side, framed=False), np.ones((1, 8, 16, 16)))
    assert image.shape == (1, 1, 32, 32)
    assert image[..., 8:24, 8:24].min() > 0
    image[..., 8:24, 8:24] = 0
    assert not image.any()


def test_framed_head_fills_the_outer_frame_only(side, rng):
    """The second branch leaves the centre to the first and fills all around it."""
    block, pixels = head(side, framed=True), rng.random((1, 8, 16, 16))
    image = image_of(side, block, pixels)
    assert image.min() > 0
    pixels[:, -4:] += 1
    changed = image_of(side, block, pixels) != image
    assert not changed[..., 8:24, 8:24].any()
    assert changed[..., 0, :].any()


def test_block_attention_only_weakens(side, rng):
    """Every feature is multiplied by a factor between 0 and 1, one for its channel, one for its pixel."""
    pixels = rng.random((2, 32, 8, 8)) + 0.1
    factors = run(side, BlockAttention(side.layers, 32), pixels) / pixels
    assert 0 < factors.min() < factors.max() < 1
    ratio = factors[0, 0] / factors[0, 1]
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-4)


def test_block_attention_looks_at_the_whole(side, rng):
    """A bright pixel changes what far away pixels of its channel count."""
    block, pixels = BlockAttention(side.layers, 16), rng.random((1, 16, 32, 32))
    before = run(side, block, pixels)
    pixels[0, :, 0, 0] += 10
    assert (run(side, block, pixels)[0, :, 20, 20] != before[0, :, 20, 20]).any()


def test_attention_stands_where_it_is_asked_for(side):
    """One at each level of an attentive encoder, none in another."""
    names = [name for name, _ in Encoder(side.layers, 1, (4, 8, 16), attentive=True).parts("core/")]
    assert "core/attention/2/look" in names
    assert not any("attention" in name for name, _ in Encoder(side.layers, 1, (4, 8, 16)).parts())


def test_phase_is_bounded(side):
    """Any feature gives a phase between -pi and pi."""
    phases = bounded_phase(side.layers)(side.tensor(np.array([-1e4, 0.0, 1e4])))
    assert side.array(phases).tolist() == pytest.approx([-math.pi, 0, math.pi])


def test_sigmoid_does_not_amplify(side):
    """The default amplitude lies between 0 and 1."""
    bounded = side.layers.activation("sigmoid")(side.tensor(np.array([-200.0, 200.0])))
    assert side.array(bounded).tolist() == pytest.approx([0, 1])


def test_an_unknown_activation_is_an_error(side):
    """The error names the ones that exist."""
    with pytest.raises(ValueError, match="Unknown activation") as error:
        side.layers.activation("tanh")
    assert str(error.value) == "Unknown activation: tanh\n  expected  one of relu, sigmoid, softplus, swish"
