"""The 'unet': an unrolled reconstruction whose steps are learned.

A pass compares the picture so far with the detector, carries the contradiction back to the sample, and lets
a U-Net decide what to make of it. The first pass starts from an empty sample, so what it sees is the
back-projection of the measured amplitudes with the phase of the empty beam. All positions of a group share
one canvas: they look at the same sample, and agree by construction.

Shape legend: B groups, C positions of a group, P probe modes, N patch side, M canvas side.

Source:
    Monga, Li and Eldar, IEEE Signal Processing Magazine 38, 18 (2021): algorithm unrolling.
    Rodenburg and Faulkner, Appl. Phys. Lett. 85, 4795 (2004): the correction that a pass sees.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ptycho.network.architecture import AMPLITUDE_SLOPE, STEP_LEVEL, UNET_FOLD, UNET_LEVELS, UNET_WIDTH
from ptycho.network.settings import NetworkSettings
from ptycho.physics.limits import INTENSITY_FLOOR, PHASE_FLOOR

from . import physics
from .layers import UNet, amplitude_activation, bounded_phase


@dataclass(frozen=True)
class Illumination:
    """The light on the sample and what the detector made of it; constant for all passes.

    Attributes:
        measured: Normalised amplitude, gain removed, bad pixels zero, shape (B, C, N, N).
        good: True where a detector pixel is good, shape (N, N).
        probe: Complex modes, shape (P, N, N).
        disk: Mask of the illuminated field, shape (N, N), or None.
        sigma: Gaussian smoothing of the exit waves in pixels.
    """

    measured: Tensor
    good: Tensor
    probe: Tensor
    disk: Tensor | None
    sigma: float

    def correction(self, patches: Tensor) -> Tensor:
        """Replace predicted by measured amplitudes and carry the difference back to the sample.

        Args:
            patches: Object patches, shape (B, C, N, N), or (1, 1, N, N) for all alike.

        Returns:
            Sum over the modes of conj(P) times the change of the exit wave, shape (B, C, N, N).
        """
        waves = physics.exit_waves(patches, self.probe, disk=self.disk, sigma=self.sigma)
        fields = physics.propagate(waves)
        predicted = (fields.real.square() + fields.imag.square()).sum(-3)
        amplitude = predicted.clamp(min=INTENSITY_FLOOR).sqrt()
        change = (self.measured - amplitude) / amplitude.clamp(min=math.sqrt(PHASE_FLOOR))
        change = torch.where(self.good, change, 0.0)
        waves = physics.smooth(physics.back_propagate(fields * change[..., None, :, :]), self.sigma)
        if self.disk is not None:
            waves = waves * self.disk
        return (self.probe.conj() * waves).sum(-3)


class GroupCanvas:
    """One canvas per group, anchored on the group's first position: that one is never interpolated.

    Args:
        relative: Group mean minus position [x, y] in pixels, shape (B, C, 2).
        n: Patch side.
        multiple: The margin is a multiple of this, so that the sides can be halved.
    """

    def __init__(self, relative: Tensor, n: int, multiple: int) -> None:
        self.relative = relative - relative[:, :1]
        self.n = n
        self.single = relative.shape[1] == 1
        reach = 0 if self.single else math.ceil(float(self.relative.detach().abs().max()))
        self.side = n + multiple * math.ceil(2 * reach / multiple)

    def gather(self, patches: Tensor) -> Tensor:
        """Add the patches of each group on its canvas: (B, C, N, N) -> (B, M, M)."""
        if self.single:
            return patches[:, 0]
        return physics.place(patches, -self.relative, self.side).sum(1)

    def cut(self, canvas: Tensor) -> Tensor:
        """Cut each position's window out of its group's canvas: (B, M, M) -> (B, C, N, N)."""
        if self.single:
            return canvas[:, None]
        copies = canvas[:, None].expand(-1, self.relative.shape[1], -1, -1)
        return physics.place(copies, self.relative, self.n)


class UnrolledUNet(nn.Module):
    """Turn far-field amplitudes into object patches by learned reconstruction passes.

    One set of weights serves every group size: positions meet on the canvas, not in the channels.

    Args:
        settings: Shape of the network.
    """

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.activation = amplitude_activation(settings.amp_activation)
        self.shared = settings.object_big
        self.sigma = settings.gaussian_smoothing_sigma
        width = UNET_WIDTH * settings.n_filters_scale
        self.passes = nn.ModuleList(
            UNet(5 * UNET_FOLD**2, 2 * UNET_FOLD**2, width, UNET_LEVELS) for _ in range(settings.unet_stages)
        )

    def forward(self, light: Illumination, relative: Tensor) -> Tensor:
        """Infer patches that agree within each group.

        Args:
            light: Measurement and probe.
            relative: Group mean minus position [x, y] in pixels, shape (B, C, 2).

        Returns:
            Complex patches, shape (B, C, N, N).
        """
        measured = light.measured
        if self.shared:
            return self._reconstruct(light, relative)
        count = measured.shape[1]
        alone = Illumination(
            measured.flatten(0, 1)[:, None], light.good, light.probe, light.disk, light.sigma
        )
        patches = self._reconstruct(alone, relative.flatten(0, 1)[:, None])
        return patches.reshape(-1, count, *patches.shape[-2:])

    def _reconstruct(self, light: Illumination, relative: Tensor) -> Tensor:
        shape = light.measured.shape
        n = shape[-1]
        canvas = GroupCanvas(relative, n, UNET_FOLD * 2**UNET_LEVELS)
        intensity = canvas.gather(physics.illumination(light.probe).expand(shape))
        brightest = intensity.amax(dim=(-2, -1), keepdim=True)
        divisor = intensity + STEP_LEVEL * brightest
        coverage = (intensity / brightest).sqrt()[..., None]
        logits = light.measured.new_zeros((shape[0], 2, canvas.side, canvas.side))
        amplitude, phase = torch.ones_like(divisor), torch.zeros_like(divisor)
        patches = light.probe.new_ones((1, 1, n, n))
        for network in self.passes:
            correction = canvas.gather(light.correction(patches)) / divisor
            # Turned back by the picture's phase, the real part asks for amplitude, the imaginary for phase.
            turned = correction * torch.polar(torch.ones_like(phase), -phase)
            views = [torch.polar(amplitude, phase), turned]
            features = [*(torch.view_as_real(view) for view in views), coverage]
            logits = logits + self._run(network, torch.cat(features, dim=-1).movedim(-1, 1))
            amplitude = self.activation(AMPLITUDE_SLOPE * logits[:, 0])
            phase = bounded_phase(logits[:, 1])
            patches = canvas.cut(torch.polar(amplitude, phase))
        return patches

    @staticmethod
    def _run(network: nn.Module, features: Tensor) -> Tensor:
        folded = functional.pixel_unshuffle(features.contiguous(), UNET_FOLD)
        folded = folded.contiguous(memory_format=torch.channels_last)
        return functional.pixel_shuffle(network(folded), UNET_FOLD)
