"""Blocks of the networks keep their promises about sides, bounds and starting values."""

import math

import pytest
import torch

from ptycho_torch.nn.layers import (
    BlockAttention,
    Decoder,
    Encoder,
    Head,
    UNet,
    amplitude_activation,
    bounded_phase,
)


def test_encoder_reaches_the_bottleneck():
    """Each level halves the sides."""
    assert Encoder(1, (4, 8, 16))(torch.rand(2, 1, 64, 64)).shape == (2, 16, 8, 8)


def test_block_attention_only_weakens():
    """Every feature is multiplied by a factor between 0 and 1, one for its channel, one for its pixel."""
    features = torch.rand(2, 32, 8, 8) + 0.1
    factors = BlockAttention(32)(features) / features
    assert factors.min() > 0
    assert factors.max() < 1
    ratio = factors[0, 0] / factors[0, 1]
    assert torch.allclose(ratio, ratio[0, 0].expand(8, 8), rtol=1e-4)


def test_block_attention_looks_at_the_whole():
    """A bright pixel changes what far away pixels of its channel count."""
    block, features = BlockAttention(16), torch.rand(1, 16, 32, 32)
    for part in block.parameters():
        torch.nn.init.constant_(part, 0.1)
    before = block(features)
    features[0, :, 0, 0] += 10
    assert not torch.equal(block(features)[0, :, 31, 31], before[0, :, 31, 31])


def test_attentive_encoder_has_one_block_a_level():
    """Attention keeps the shapes, and is absent where it is not asked for."""
    encoder = Encoder(1, (4, 8, 16), attentive=True)
    assert encoder(torch.rand(2, 1, 64, 64)).shape == (2, 16, 8, 8)
    assert len(encoder.attention) == 3
    assert not any("attention" in name for name in Encoder(1, (4, 8, 16)).state_dict())


def test_decoder_doubles_the_sides():
    """Each level doubles the sides."""
    assert Decoder(16, (8, 4))(torch.rand(2, 16, 8, 8)).shape == (2, 4, 32, 32)


def test_unet_keeps_the_side():
    """Full resolution in, full resolution out."""
    assert UNet(5, 2, 4, 2)(torch.rand(3, 5, 40, 40)).shape == (3, 2, 40, 40)


def test_padded_head_is_zero_outside_the_centre():
    """Without the frame branch, nothing surrounds the central square."""
    head = Head(8, 1, torch.sigmoid, padded=True, framed=False)
    image = head(torch.rand(1, 8, 16, 16))
    assert image.shape == (1, 1, 32, 32)
    assert image[..., 8:24, 8:24].min() > 0
    image[..., 8:24, 8:24] = 0
    assert image.abs().max() == 0


def test_framed_head_fills_the_outer_frame_only():
    """The second branch leaves the centre to the first and fills all around it."""
    head = Head(8, 1, torch.sigmoid, padded=True, framed=True)
    features = torch.rand(1, 8, 16, 16)
    image = head(features)
    assert image.min() > 0
    features[:, -4:] += 1
    changed = head(features) != image
    assert not changed[..., 8:24, 8:24].any()
    assert changed[..., 0, :].any()


def test_phase_is_bounded():
    """Any feature gives a phase between -pi and pi."""
    assert bounded_phase(torch.tensor([-1e4, 0.0, 1e4])).tolist() == pytest.approx([-math.pi, 0, math.pi])


def test_sigmoid_does_not_amplify():
    """The default amplitude lies between 0 and 1."""
    assert amplitude_activation("sigmoid")(torch.tensor([-200.0, 200.0])).tolist() == pytest.approx([0, 1])
