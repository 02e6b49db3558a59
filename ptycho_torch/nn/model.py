"""The network with its physics: measured amplitudes in, object patches and explained amplitudes out.

Shape legend: B groups, C positions of a group, P probe modes, N patch side, F feature channels.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ptycho.network.architecture import CNN_FILTERS
from ptycho.network.initial import draw_kernel
from ptycho.network.settings import NetworkSettings

from . import physics
from .layers import Decoder, Encoder, Head, amplitude_activation, bounded_phase
from .naming import as_weight, canonical_name
from .prediction import Prediction
from .unrolled import Illumination, UnrolledUNet


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
        self.encoder = Encoder(images, filters, attentive=settings.cbam_encoder)
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


class PtychoNetwork(nn.Module):
    """Network, probe and forward model in one differentiable piece.

    Args:
        settings: Shape and physics.
        probe: Complex probe modes on the network's scale, shape (P, N, N) or (N, N).
        intensity_scale: Measured s, so that (s X)² are counts.
        mask: True where a detector pixel is good, shape (N, N); None takes all. What bad pixels say never
            enters the network.
        seed: Seed of the weights to start from.

    Raises:
        ValueError: The probe or the mask does not fit the settings.
    """

    probe_parts: Tensor
    log_gain: Tensor
    measured_scale: Tensor
    mask: Tensor
    disk: Tensor | None

    def __init__(
        self,
        settings: NetworkSettings,
        probe: Tensor | NDArray[np.complexfloating[Any, Any]],
        intensity_scale: float,
        mask: Tensor | NDArray[np.bool_] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.settings = settings
        modes = _check_probe(torch.as_tensor(probe), settings)
        self.core: FarFieldCNN | UnrolledUNet = (
            FarFieldCNN(settings) if settings.architecture == "cnn" else UnrolledUNet(settings)
        )
        initialise(self.core, seed)
        # Convolutions on the CPU are faster with channels last, here and in every copy.
        self.core.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        parts = torch.view_as_real(modes.to(torch.complex64)).contiguous().clone()
        self._register("probe_parts", parts, trainable=settings.probe_trainable)
        self._register("log_gain", torch.zeros(()), trainable=settings.intensity_scale_trainable)
        self.register_buffer("measured_scale", torch.tensor(float(intensity_scale)))
        self.register_buffer("mask", _check_mask(mask, settings.N))
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
        """Infer complex object patches; those of the unet agree within their group already.

        Args:
            measured: Normalised amplitude X, shape (B, C, N, N).
            relative: Group mean minus position [x, y] in pixels, shape (B, C, 2); None for single positions.

        Returns:
            Complex patches, shape (B, C, N, N).
        """
        measured = torch.where(self.mask, measured, 0.0)
        if isinstance(self.core, FarFieldCNN):
            return _as_tensor(self.core(measured))
        offsets = measured.new_zeros((*measured.shape[:2], 2)) if relative is None else relative
        light = Illumination(
            measured=measured / self.log_gain.detach().exp(),
            good=self.mask,
            probe=self.probe.detach(),
            disk=self.disk,
            sigma=self.settings.gaussian_smoothing_sigma,
        )
        return _as_tensor(self.core(light, offsets))

    def agreed_patches(self, measured: Tensor, relative: Tensor | None = None) -> Tensor:
        """Infer the patches of each group and let them agree, as `patches` does for the unet already."""
        patches = self.patches(measured, relative)
        merging = self.settings.object_big and isinstance(self.core, FarFieldCNN)
        if not merging or relative is None:
            return patches
        return physics.overlap(patches, relative, physics.illumination(self.probe.detach()))

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
        patches = self.agreed_patches(measured, relative)
        return Prediction(patches, self.diffract(patches))


def initialise(core: nn.Module, seed: int) -> None:
    """Give every kernel the values that name and seed stand for, and zero every bias."""
    for name, parameter in core.named_parameters():
        if parameter.ndim == 4:
            canonical = canonical_name(f"core.{name}")
            height, width, channels, filters = (parameter.shape[axis] for axis in (2, 3, 1, 0))
            drawn = draw_kernel(canonical, (height, width, channels, filters), seed)
            parameter.data.copy_(as_weight(torch.from_numpy(drawn)))
        else:
            nn.init.zeros_(parameter)


def _as_tensor(value: Any) -> Tensor:
    # Calling a module loses its type.
    tensor: Tensor = value
    return tensor


def _check_mask(mask: Tensor | NDArray[np.bool_] | None, n: int) -> Tensor:
    good = torch.ones(n, n, dtype=torch.bool) if mask is None else torch.as_tensor(mask, dtype=torch.bool)
    if tuple(good.shape) != (n, n):
        raise ValueError(
            f"the mask of shape {tuple(good.shape)} does not fit the detector\n"
            f"  expected  true at good pixels, shape ({n}, {n}) (model.N)\n"
            "  try       a mask of the size of the frames after data.crop_px and data.bin"
        )
    return good.clone()


def _type_of(values: Tensor) -> str:
    """Name a type as every library names it."""
    return str(values.dtype).removeprefix("torch.")


def _check_probe(probe: Tensor, settings: NetworkSettings) -> Tensor:
    modes = probe[None] if probe.ndim == 2 else probe
    expected = (settings.probe_modes, settings.N, settings.N)
    if tuple(modes.shape) != expected or not modes.is_complex():
        raise ValueError(
            f"the probe of shape {tuple(probe.shape)} and type {_type_of(probe)} does not fit the network\n"
            f"  expected  complex, shape {expected} (model.probe_modes, model.N, model.N)\n"
            "  try       a probe of that size, or other values of model.N and model.probe_modes"
        )
    return modes
