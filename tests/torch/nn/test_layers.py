"""Blocks of the networks keep their promises about sides, bounds and starting values."""

import math

import pytest
import torch

from ptycho_torch.nn.layers import (
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
