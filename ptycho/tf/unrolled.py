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

import tensorflow as tf

from ptycho.network.architecture import AMPLITUDE_SLOPE, STEP_LEVEL, UNET_FOLD, UNET_LEVELS, UNET_WIDTH
from ptycho.network.settings import NetworkSettings
from ptycho.physics.limits import INTENSITY_FLOOR, PHASE_FLOOR

from . import physics
from .layers import Block, Policy, UNet, amplitude_activation, bounded_phase


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

    measured: tf.Tensor
    good: tf.Tensor
    probe: tf.Tensor
    disk: tf.Tensor | None
    sigma: float

    def correction(self, patches: tf.Tensor) -> tf.Tensor:
        """Replace predicted by measured amplitudes and carry the difference back to the sample.

        Args:
            patches: Object patches, shape (B, C, N, N), or (1, 1, N, N) for all alike.

        Returns:
            Sum over the modes of conj(P) times the change of the exit wave, shape (B, C, N, N).
        """
        waves = physics.exit_waves(patches, self.probe, disk=self.disk, sigma=self.sigma)
        fields = physics.propagate(waves)
        predicted = tf.reduce_sum(physics.power(fields), axis=-3)
        amplitude = tf.sqrt(tf.maximum(predicted, INTENSITY_FLOOR))
        change = (self.measured - amplitude) / tf.maximum(amplitude, math.sqrt(PHASE_FLOOR))
        change = tf.where(self.good, change, 0)
        waves = physics.back_propagate(physics.scale(fields, change[..., None, :, :]))
        waves = physics.smooth(waves, self.sigma)
        if self.disk is not None:
            waves = physics.scale(waves, self.disk)
        return tf.reduce_sum(tf.math.conj(self.probe) * waves, axis=-3)


class GroupCanvas:
    """One canvas per group, anchored on the group's first position: that one is never interpolated.

    Args:
        relative: Group mean minus position [x, y] in pixels, shape (B, C, 2).
        n: Patch side.
        multiple: The margin is a multiple of this, so that the sides can be halved.
    """

    def __init__(self, relative: tf.Tensor, n: int, multiple: int) -> None:
        self.relative = relative - relative[:, :1]
        self.n = n
        self.single = relative.shape[1] == 1
        self.side: physics.Side = n
        if not self.single:
            reach = physics.reach_of(self.relative)
            self.side = n + multiple * ((2 * reach + multiple - 1) // multiple)

    def gather(self, patches: tf.Tensor) -> tf.Tensor:
        """Add the patches of each group on its canvas: (B, C, N, N) -> (B, M, M)."""
        if self.single:
            return patches[:, 0]
        return tf.reduce_sum(physics.place(patches, -self.relative, self.side), axis=1)

    def cut(self, canvas: tf.Tensor) -> tf.Tensor:
        """Cut each position's window out of its group's canvas: (B, M, M) -> (B, C, N, N)."""
        if self.single:
            return canvas[:, None]
        return physics.extract_group(canvas, self.relative, self.n)


def fold(planes: list[tf.Tensor]) -> tf.Tensor:
    """Fold neighbouring pixels of planes (B, M, M) into channels, those of one plane side by side."""
    folded = [tf.nn.space_to_depth(plane[..., None], UNET_FOLD) for plane in planes]
    return tf.concat(folded, axis=-1)


def unfold(features: tf.Tensor) -> list[tf.Tensor]:
    """Undo `fold`: (B, m, m, planes * fold²) gives planes (B, M, M)."""
    parts = tf.split(features, features.shape[-1] // UNET_FOLD**2, axis=-1)
    return [tf.nn.depth_to_space(part, UNET_FOLD)[..., 0] for part in parts]


class UnrolledUNet(Block):
    """Turn far-field amplitudes into object patches by learned reconstruction passes.

    One set of weights serves every group size: positions meet on the canvas, not in the channels.

    Args:
        settings: Shape of the network.
        dtype: Precision.
    """

    def __init__(self, settings: NetworkSettings, *, dtype: Policy = None) -> None:
        super().__init__(dtype=dtype)
        self.activation = amplitude_activation(settings.amp_activation)
        self.shared = settings.object_big
        width = UNET_WIDTH * settings.n_filters_scale
        self.passes = [
            UNet(5 * UNET_FOLD**2, 2 * UNET_FOLD**2, width, UNET_LEVELS, dtype=dtype)
            for _ in range(settings.unet_stages)
        ]

    def infer(self, light: Illumination, relative: tf.Tensor) -> tf.Tensor:
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
        count, n = measured.shape[1], measured.shape[-1]
        single = tf.reshape(measured, (-1, 1, n, n))
        alone = Illumination(single, light.good, light.probe, light.disk, light.sigma)
        patches = self._reconstruct(alone, tf.reshape(relative, (-1, 1, 2)))
        return tf.reshape(patches, (-1, count, n, n))

    def _reconstruct(self, light: Illumination, relative: tf.Tensor) -> tf.Tensor:
        n = light.measured.shape[-1]
        canvas = GroupCanvas(relative, n, UNET_FOLD * 2**UNET_LEVELS)
        spread = tf.broadcast_to(physics.illumination(light.probe), tf.shape(light.measured))
        intensity = canvas.gather(spread)
        brightest = tf.reduce_max(intensity, axis=(-2, -1), keepdims=True)
        inverse = 1 / (intensity + STEP_LEVEL * brightest)
        coverage = tf.sqrt(intensity / brightest)
        amplitude, phase = tf.ones_like(inverse), tf.zeros_like(inverse)
        logits = [phase, phase]
        patches = tf.ones((1, 1, n, n), light.probe.dtype)
        for network in self.passes:
            picture = physics.polar(amplitude, phase)
            correction = canvas.gather(light.correction(patches))
            # Turned back by the picture's phase, the real part asks for amplitude, the imaginary for phase.
            turned = correction * physics.polar(inverse, -phase)
            planes = [part(view) for view in (picture, turned) for part in (tf.math.real, tf.math.imag)]
            answer = unfold(tf.cast(network(fold([*planes, coverage])), inverse.dtype))
            logits = [a + b for a, b in zip(logits, answer, strict=True)]
            amplitude = self.activation(AMPLITUDE_SLOPE * logits[0])
            phase = bounded_phase(logits[1])
            patches = canvas.cut(physics.polar(amplitude, phase))
        return patches
