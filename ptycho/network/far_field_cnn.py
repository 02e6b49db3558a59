"""The 'cnn': measured amplitudes straight to amplitude and phase images, with no physics on the way.

What a convolution answers lies where it looks. Out of focus a frame shows the shadow of the sample, upside
down where the beam converges: untouched, such frames taught the network nothing but their mean.

Shape legend: B groups, C positions of a group, N patch side.

Source:
    The public PtychoPINN, Hoidn et al., Sci. Rep. 13, 22789 (2023).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .blocks import Block, Decoder, Encoder, Head, bounded_phase

if TYPE_CHECKING:
    from ptycho.physics.operations import Array

    from .layers import Layers
    from .settings import NetworkSettings

FILTERS = {64: (32, 64, 128), 128: (16, 32, 64, 128), 256: (8, 16, 32, 64, 128)}
"""Feature channels of the encoder's levels by patch side, times n_filters_scale."""


class FarFieldCNN(Block):
    """Map far-field amplitudes to complex patches.

    Args:
        layers: Layers of the backend.
        settings: Shape of the network.
    """

    def __init__(self, layers: Layers, settings: NetworkSettings) -> None:
        super().__init__(layers)
        filters = [settings.n_filters_scale * base for base in FILTERS[settings.N]]
        upward = filters[-2::-1] if settings.pad_object else [*filters[-2::-1], filters[0]]
        bounds = layers.activation(settings.amp_activation), bounded_phase(layers)
        self._turned = settings.turn_frames
        padded, framed, images = settings.pad_object, settings.probe_big, settings.positions
        self.encoder = Encoder(layers, images, filters, attentive=settings.cbam_encoder)
        self.amplitude_decoder = Decoder(layers, filters[-1], upward)
        self.phase_decoder = Decoder(layers, filters[-1], upward)
        self.amplitude_head, self.phase_head = (
            Head(layers, upward[-1], images, bound, padded=padded, framed=framed) for bound in bounds
        )

    def __call__(self, measured: Array) -> Array:
        """Map X (B, C, N, N) to complex patches (B, C, N, N)."""
        layers = self._layers
        if self._turned:
            measured = layers.ops.turn(measured)
        features = self.encoder(layers.from_images(measured))
        amplitude = self.amplitude_head(self.amplitude_decoder(features), measured)
        phase = self.phase_head(self.phase_decoder(features), measured)
        return layers.ops.polar(layers.to_images(amplitude), layers.to_images(phase))
