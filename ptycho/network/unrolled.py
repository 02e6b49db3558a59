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

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ptycho.physics.limits import INTENSITY_FLOOR, PHASE_FLOOR
from ptycho.physics.operations import IMAGE_AXES

from .blocks import Block, UNet, bounded_phase

if TYPE_CHECKING:
    from ptycho.physics.forward_model import ForwardModel
    from ptycho.physics.operations import Array

    from .layers import Layers
    from .settings import NetworkSettings

WIDTH = 8
"""Channels of the U-Net's first level, times n_filters_scale."""

LEVELS = 2
"""Times that the U-Net halves the sides, after the folding."""

FOLD = 2
"""Pixels along each axis that are folded into channels: the same reach at a quarter of the work."""

MULTIPLE = FOLD * 2**LEVELS
"""Sides are multiples of this, so that they can be folded and halved."""

AMPLITUDE_SLOPE = 4.0
"""Factor on the amplitude's logits: a sigmoid's slope is then 1, and amplitude learns as fast as phase."""

STEP_LEVEL = 0.05
"""Regularisation of a correction, as a fraction of the most intense illumination of the canvas."""


@dataclass(frozen=True)
class Illumination:
    """The light on the sample and what the detector made of it; constant for all passes.

    Attributes:
        physics: The forward model.
        measured: Normalised amplitude, gain removed, bad pixels zero, shape (B, C, N, N).
        good: True where a detector pixel is good, shape (N, N).
        probe: Complex modes, shape (P, N, N).
        disk: Mask of the illuminated field, shape (N, N), or None.
        sigma: Gaussian smoothing of the exit waves in pixels.
    """

    physics: ForwardModel
    measured: Array
    good: Array
    probe: Array
    disk: Array | None
    sigma: float

    def cornered(self) -> Illumination:
        """Move the detector's zero frequency to the corner, where `correction` wants it.

        Measurement and mask are shifted once, instead of the complex fields twice in every pass.
        """
        ops = self.physics.ops
        return replace(self, measured=ops.ifftshift(self.measured), good=ops.ifftshift(self.good))

    def correction(self, patches: Array) -> Array:
        """Replace predicted by measured amplitudes and carry the difference back to the sample.

        Args:
            patches: Object patches, shape (B, C, N, N), or (1, 1, N, N) for all alike.

        Returns:
            Sum over the modes of conj(P) times the change of the exit wave, shape (B, C, N, N).
        """
        physics, ops = self.physics, self.physics.ops
        # Factors of N cancel on the way there and back, so fields stay unscaled.
        fields = ops.fft2(physics.exit_waves(patches, self.probe, disk=self.disk, sigma=self.sigma))
        predicted = ops.reduce_sum(ops.power(fields), -3) / fields.shape[-1] ** 2
        amplitude = ops.sqrt(ops.maximum(predicted, INTENSITY_FLOOR))
        # The change takes its phase from the predicted field, and in dark pixels that phase is rounding.
        change = (self.measured - amplitude) / ops.maximum(amplitude, math.sqrt(PHASE_FLOOR))
        change = ops.where(self.good, change, 0.0)
        waves = physics.smooth(ops.ifft2(ops.scale(fields, change[..., None, :, :])), self.sigma)
        if self.disk is not None:
            waves = ops.scale(waves, self.disk)
        return ops.reduce_sum(ops.conj(self.probe) * waves, -3)


class GroupCanvas:
    """One canvas per group, anchored on the group's first position: that one is never interpolated.

    Args:
        physics: The forward model.
        relative: Group mean minus position [x, y] in pixels, shape (B, C, 2).
        n: Patch side.
        multiple: The margin is a multiple of this, so that the sides can be halved.
    """

    def __init__(self, physics: ForwardModel, relative: Array, n: int, multiple: int) -> None:
        self._physics = physics
        self.relative = relative - relative[:, :1]
        self.n = n
        self.single = relative.shape[1] == 1
        self.side = n
        if not self.single:
            reach = physics.reach(self.relative)
            self.side = n + multiple * ((2 * reach + multiple - 1) // multiple)

    def add(self, patches: Array) -> Array:
        """Add the patches of each group on its canvas: (B, C, N, N) -> (B, M, M)."""
        if self.single:
            return patches[:, 0]
        return self._physics.ops.reduce_sum(self._physics.place(patches, -self.relative, self.side), 1)

    def cut(self, canvas: Array) -> Array:
        """Cut each position's window out of its group's canvas: (B, M, M) -> (B, C, N, N)."""
        if self.single:
            return canvas[:, None]
        return self._physics.extract_group(canvas, self.relative, self.n)


class UnrolledUNet(Block):
    """Turn far-field amplitudes into object patches by learned reconstruction passes.

    One set of weights serves every group size: positions meet on the canvas, not in the channels.

    Args:
        layers: Layers of the backend.
        settings: Shape of the network.
    """

    def __init__(self, layers: Layers, settings: NetworkSettings) -> None:
        super().__init__(layers)
        self._activation = layers.activation(settings.amp_activation)
        self._bound_phase = bounded_phase(layers)
        self._shared = settings.object_big
        width = WIDTH * settings.n_filters_scale
        self.passes = [
            UNet(layers, 5 * FOLD**2, 2 * FOLD**2, width, LEVELS) for _ in range(settings.unet_stages)
        ]

    def __call__(self, light: Illumination, relative: Array) -> Array:
        """Infer patches that agree within each group.

        Args:
            light: Measurement and probe.
            relative: Group mean minus position [x, y] in pixels, shape (B, C, 2).

        Returns:
            Complex patches, shape (B, C, N, N).
        """
        light = light.cornered()
        if self._shared:
            return self._reconstruct(light, relative)
        reshape = self._layers.ops.reshape
        count, n = light.measured.shape[1], light.measured.shape[-1]
        alone = replace(light, measured=reshape(light.measured, (-1, 1, n, n)))
        return reshape(self._reconstruct(alone, reshape(relative, (-1, 1, 2))), (-1, count, n, n))

    def _reconstruct(self, light: Illumination, relative: Array) -> Array:
        ops, physics = self._layers.ops, self._layers.physics
        n = light.measured.shape[-1]
        canvas = GroupCanvas(physics, relative, n, MULTIPLE)
        beam = ops.broadcast_to(physics.illumination(light.probe), ops.shape(light.measured))
        intensity = canvas.add(beam)
        brightest = ops.reduce_max(intensity, IMAGE_AXES, keepdims=True)
        inverse = 1 / (intensity + STEP_LEVEL * brightest)
        # The root, an amplitude like the other planes.
        coverage = ops.sqrt(intensity / brightest)
        shape = ops.shape(inverse)
        amplitude, phase = ops.ones(shape, inverse), ops.zeros(shape, inverse)
        logits = [phase, phase]
        # One empty patch stands for all, and its far field is computed once.
        patches = ops.ones((1, 1, n, n), light.probe)
        for network in self.passes:
            picture = ops.polar(amplitude, phase)
            correction = canvas.add(light.correction(patches))
            # Turned back by the picture's phase, the real part asks for amplitude, the imaginary for phase.
            turned = correction * ops.polar(inverse, -phase)
            planes = [part(view) for view in (picture, turned) for part in (ops.real, ops.imag)]
            answer = network(self._layers.fold([*planes, coverage], FOLD))
            steps = self._layers.unfold(ops.cast_like(answer, inverse), FOLD)
            logits = [logit + step for logit, step in zip(logits, steps, strict=True)]
            amplitude = self._activation(AMPLITUDE_SLOPE * logits[0])
            phase = self._bound_phase(logits[1])
            patches = canvas.cut(ops.polar(amplitude, phase))
        return patches
