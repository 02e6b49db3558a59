"""The network with its physics: measured amplitudes in, object patches and explained amplitudes out.

Shape legend: B groups, C positions of a group, P probe modes, N patch side, F feature channels.
"""

import numpy as np
import torch
from torch import Tensor, nn

from . import physics
from .layers import Decoder, Encoder, Head, UNet, amplitude_activation, bounded_phase, initialise
from .prediction import Prediction
from .settings import NetworkSettings

__all__ = ["NetworkSettings", "Prediction", "PtychoNetwork"]

CNN_FILTERS = {64: (32, 64, 128), 128: (16, 32, 64, 128), 256: (8, 16, 32, 64, 128)}
UNET_WIDTH = 8
"""Channels of the U-Net's first level, times n_filters_scale."""


class FarFieldCNN(nn.Module):
    """Map far-field amplitudes straight to amplitude and phase images ('cnn').

    Args:
        settings: Shape of the network.
    """

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        filters = [settings.n_filters_scale * base for base in CNN_FILTERS[settings.N]]
        upward = filters[-2::-1] if settings.pad_object else [*filters[-2::-1], filters[0]]
        activation = amplitude_activation(settings.amp_activation)
        padded, framed, images = settings.pad_object, settings.probe_big, settings.positions
        self.encoder = Encoder(images, filters)
        self.amplitude_decoder = Decoder(filters[-1], upward)
        self.phase_decoder = Decoder(filters[-1], upward)
        self.amplitude_head = Head(upward[-1], images, activation, padded=padded, framed=framed)
        self.phase_head = Head(upward[-1], images, bounded_phase, padded=padded, framed=framed)

    def forward(self, measured: Tensor) -> Tensor:
        """Map X (B, C, N, N) to complex patches (B, C, N, N)."""
        features = self.encoder(measured)
        amplitude = self.amplitude_head(self.amplitude_decoder(features))
        phase = self.phase_head(self.phase_decoder(features))
        return torch.polar(amplitude, phase)


class BackProjectedUNet(nn.Module):
    """Sharpen the back-projection of each pattern ('unet').

    Every position sees its own back-projection and, in a group, the average of the group's
    back-projections in its window; one set of weights serves all positions, so C does not change them.

    Args:
        settings: Shape of the network.
    """

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.activation = amplitude_activation(settings.amp_activation)
        self.shared = settings.gridsize > 1 and settings.object_big
        self.unet = UNet(4 if self.shared else 2, 2, UNET_WIDTH * settings.n_filters_scale)

    def forward(self, measured: Tensor, probe: Tensor, relative: Tensor) -> Tensor:
        """Map X (B, C, N, N), the probe (P, N, N) and offsets (B, C, 2) to complex patches (B, C, N, N)."""
        estimate = physics.back_project(measured, probe)
        views = [estimate]
        if self.shared:
            weights = physics.illumination(probe)
            views.append(physics.overlap(estimate, relative, weights))
        parts = [torch.view_as_real(view).flatten(0, 1) for view in views]
        features = torch.cat(parts, dim=-1).permute(0, 3, 1, 2)
        amplitude, phase = self.unet(features).unflatten(0, measured.shape[:2]).unbind(2)
        return torch.polar(self.activation(amplitude), bounded_phase(phase))


class PtychoNetwork(nn.Module):
    """Network, probe and forward model in one differentiable piece.

    Args:
        settings: Shape and physics.
        probe: Complex probe modes on the network's scale, shape (P, N, N) or (N, N).
        intensity_scale: Measured s, so that (s X)² are counts.

    Raises:
        ValueError: The probe does not fit the settings.
    """

    probe_parts: Tensor
    log_gain: Tensor
    measured_scale: Tensor
    disk: Tensor | None

    def __init__(self, settings: NetworkSettings, probe: np.ndarray | Tensor, intensity_scale: float) -> None:
        super().__init__()
        self.settings = settings
        modes = _check_probe(torch.as_tensor(probe), settings)
        core = FarFieldCNN if settings.architecture == "cnn" else BackProjectedUNet
        self.core = core(settings)
        initialise(self.core)
        parts = torch.view_as_real(modes.to(torch.complex64)).contiguous().clone()
        self._register("probe_parts", parts, trainable=settings.probe_trainable)
        self._register("log_gain", torch.zeros(()), trainable=settings.intensity_scale_trainable)
        self.register_buffer("measured_scale", torch.tensor(float(intensity_scale)))
        disk = physics.disk_mask(settings.N) if settings.probe_mask else None
        self.register_buffer("disk", disk, persistent=False)

    def _register(self, name: str, value: Tensor, *, trainable: bool) -> None:
        if trainable:
            self.register_parameter(name, nn.Parameter(value))
        else:
            self.register_buffer(name, value)

    @property
    def probe(self) -> Tensor:
        """Complex probe modes on the network's scale, shape (P, N, N)."""
        return torch.view_as_complex(self.probe_parts)

    @property
    def intensity_scale(self) -> Tensor:
        """The scale in force: the measured s times the learned gain."""
        return self.measured_scale * self.log_gain.exp()

    def patches(self, measured: Tensor, relative: Tensor | None = None) -> Tensor:
        """Infer complex object patches, before any merging.

        Args:
            measured: Normalised amplitude X, shape (B, C, N, N).
            relative: Group mean minus position [x, y] in pixels, shape (B, C, 2); None for single positions.

        Returns:
            Complex patches, shape (B, C, N, N).
        """
        offsets = measured.new_zeros((*measured.shape[:2], 2)) if relative is None else relative
        if isinstance(self.core, BackProjectedUNet):
            return self.core(measured, self.probe, offsets)  # type: ignore[no-any-return]
        return self.core(measured)  # type: ignore[no-any-return]

    def diffract(self, patches: Tensor) -> Tensor:
        """Predict the far-field amplitude of patches in the units of X: (..., N, N) -> (..., N, N)."""
        sigma = self.settings.gaussian_smoothing_sigma
        waves = physics.exit_waves(patches, self.probe, disk=self.disk, sigma=sigma)
        return self.log_gain.exp() * physics.amplitude(waves)

    def forward(self, measured: Tensor, relative: Tensor | None = None) -> Prediction:
        """Infer the patches of each group, make them agree, and predict their diffraction.

        Args:
            measured: Normalised amplitude X, shape (B, C, N, N).
            relative: Group mean minus position [x, y] in pixels, shape (B, C, 2).

        Returns:
            Patches and amplitudes, shapes (B, C, N, N).
        """
        patches = self.patches(measured, relative)
        if self.settings.object_big and relative is not None and patches.shape[1] > 1:
            patches = physics.overlap(patches, relative, physics.illumination(self.probe.detach()))
        return Prediction(patches, self.diffract(patches))


def _check_probe(probe: Tensor, settings: NetworkSettings) -> Tensor:
    modes = probe[None] if probe.ndim == 2 else probe
    expected = (settings.probe_modes, settings.N, settings.N)
    if tuple(modes.shape) != expected or not modes.is_complex():
        raise ValueError(
            f"the probe of shape {tuple(probe.shape)} and type {probe.dtype} does not fit the network\n"
            f"  expected  complex, shape {expected} (model.probe_modes, model.N, model.N)\n"
            "  try       a probe of that size, or other values of model.N and model.probe_modes"
        )
    return modes
