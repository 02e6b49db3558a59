"""Unrolled reconstruction, whose steps are learned: the 'unet' on groups, the 'canvas_unet' on a whole scan.

A pass compares the picture so far with the detector, carries the contradiction back to the sample, and lets
a U-Net decide what to make of it. The first pass starts from an empty sample, so what it sees is the
back-projection of the measured amplitudes with the phase of the empty beam. All positions of a group, or of
a scan, share one canvas: they look at the same sample, and agree by construction.

Shape legend: B groups, C positions of a group, P probe modes, N patch side, H and W canvas.

Source:
    Monga, Li and Eldar, IEEE Signal Processing Magazine 38, 18 (2021): algorithm unrolling.
    Rodenburg and Faulkner, Appl. Phys. Lett. 85, 4795 (2004): the correction that a pass sees.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import pairwise
from operator import add
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

from ptycho.physics.limits import INTENSITY_FLOOR, PHASE_FLOOR
from ptycho.physics.operations import IMAGE_AXES

from .blocks import Block, UNet, bounded_phase
from .canvases import GroupCanvas, ScanCanvas
from .size import pair_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ptycho.physics.forward_model import ForwardModel
    from ptycho.physics.operations import Array, Operations

    from .layers import Layers
    from .settings import NetworkSettings

WIDTH = 8
"""Channels of the U-Net's first level, times n_filters_scale."""

FOLD = 2
"""Pixels along each axis that are folded into channels: the same reach at a quarter of the work."""

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
        good: True where a detector pixel is good, shape (N, N) or (B, 1, N, N).
        probe: Complex modes, shape (P, N, N); one a group (B, 1, P, N, N), or moved for each position,
            shape (B, C, P, N, N).
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

    def intensity(self) -> Array:
        """Give the light on each patch, shape (B, C, N, N)."""
        ops = self.physics.ops
        light = ops.reduce_sum(ops.power(self.probe), -3)
        return ops.broadcast_to(light, ops.shape(self.measured))

    def empty_sample(self) -> Array:
        """Give one patch that lets all light through, for all frames: its far field is computed once."""
        n = self.measured.shape[-1]
        return self.physics.ops.ones((1, 1, n, n), self.probe)

    def correction(self, patches: Array) -> Array:
        """Replace predicted by measured amplitudes and carry the difference back to the sample.

        Args:
            patches: Object patches, shape (B, C, N, N), or (1, 1, N, N) for all alike.

        Returns:
            Sum over the modes of conj(P) times the change of the exit wave, shape (B, C, N, N).
        """
        waves = self.physics.exit_waves(patches, self.probe, disk=self.disk, sigma=self.sigma)
        # Factors of N cancel on the way there and back, so fields stay unscaled.
        return self._correction_of(self.physics.ops.fft2(waves))

    def first_correction(self, spectrum: Array | None = None) -> Array:
        """Give the correction of an empty sample, shape (B, C, N, N).

        Args:
            spectrum: That of the probe where it is known already, unscaled, zero frequency at [0, 0]: one
                transform less.
        """
        if spectrum is None or self.disk is not None or self.sigma != 0:
            return self.correction(self.empty_sample())
        return self._correction_of(spectrum)

    def _correction_of(self, fields: Array) -> Array:
        physics, ops = self.physics, self.physics.ops
        predicted = ops.reduce_sum(ops.power(fields), -3) / fields.shape[-1] ** 2
        amplitude = ops.sqrt(ops.maximum(predicted, INTENSITY_FLOOR))
        # The change takes its phase from the predicted field, and in dark pixels that phase is rounding.
        change = (self.measured - amplitude) / ops.maximum(amplitude, math.sqrt(PHASE_FLOOR))
        change = ops.where(self.good, change, 0.0)
        waves = physics.smooth(ops.ifft2(ops.scale(fields, change[..., None, :, :])), self.sigma)
        if self.disk is not None:
            waves = ops.scale(waves, self.disk)
        return ops.reduce_sum(ops.conj(self.probe) * waves, -3)


def for_each_position(ops: Operations, values: Array, rank: int, count: int) -> Array:
    """Give what belongs to a group (B, 1, ...) to each of its positions as a group of its own (B C, 1, ...).

    Args:
        ops: Array operations.
        values: What belongs to each group, or, of so many axes as `rank`, to all alike.
        rank: Axes without those of groups and positions.
        count: Positions of a group.
    """
    if len(values.shape) == rank:
        return values
    return ops.reshape(ops.concat([values] * count, 1), (-1, 1, *values.shape[2:]))


class Sample(Protocol):
    """Frames of known places under a known light: what a pass asks about them."""

    def first_look(self) -> tuple[Array, Array]:
        """Give the light on each pixel of the canvas, and what frames ask an empty sample to become.

        Returns:
            Both of shape (B, H, W).
        """
        ...

    def correction(self, picture: Array) -> Array:
        """Add up what all frames ask a picture (B, H, W) to become."""
        ...


class FramesAtOnce(NamedTuple):
    """A sample whose frames are looked at all together, as a training does.

    Attributes:
        light: Measurement and probe, zero frequency in the corner.
        canvas: Where the frames lie.
    """

    light: Illumination
    canvas: GroupCanvas | ScanCanvas

    def first_look(self) -> tuple[Array, Array]:
        """Lay the beam at every position, and the corrections of an empty sample."""
        return self.intensity(), self.canvas.add(self.light.first_correction())

    def intensity(self) -> Array:
        """Lay the beam at every position."""
        return self.canvas.add(self.light.intensity())

    def correction(self, picture: Array) -> Array:
        """Cut, correct, and lay down again."""
        return self.canvas.add(self.light.correction(self.canvas.cut(picture)))


class Portion(NamedTuple):
    """Some frames of a scan, ready for any number of looks.

    Attributes:
        light: Measurement and probe, moved to the positions.
        windows: Where the patches lie on the canvas.
    """

    light: Illumination
    windows: Array


@dataclass(frozen=True)
class FramesInPortions:
    """A sample of one scan whose frames are looked at some at a time.

    Attributes:
        canvas: Where the frames lie.
        light: Gives the measurement of some frames and the probe, zero frequency in the corner.
        spans: The portions, which are all frames.
        remembered: Portions that are kept from pass to pass: to make one anew costs more than half a
            correction, to keep it the memory of the frames, of as many probes and of the windows.
    """

    canvas: ScanCanvas
    light: Callable[[slice], Illumination]
    spans: Sequence[slice]
    remembered: int = 0
    _kept: dict[int, Portion] = field(default_factory=dict, init=False, repr=False)

    def first_look(self) -> tuple[Array, Array]:
        """Lay beam and corrections down portion by portion, each while it passes through the caches."""
        looks = (self._first_look(span) for span in self.spans)
        # One sum of each that grows: kept until the end, the looks of a large scan would fill gigabytes.
        return reduce(lambda sums, look: (sums[0] + look[0], sums[1] + look[1]), looks)

    def correction(self, picture: Array) -> Array:
        """Cut, correct, and lay down again, portion by portion."""
        return reduce(add, (self._corrected(picture, span) for span in self.spans))

    def _first_look(self, span: slice) -> tuple[Array, Array]:
        (light, windows), spectrum = self._portion(span)
        lit = self.canvas.add(light.intensity(), windows)
        return lit, self.canvas.add(light.first_correction(spectrum), windows)

    def _corrected(self, picture: Array, span: slice) -> Array:
        kept = self._kept.get(span.start)
        light, windows = self._portion(span)[0] if kept is None else kept
        return self.canvas.add(light.correction(self.canvas.cut(picture, windows)), windows)

    def _portion(self, span: slice) -> tuple[Portion, Array]:
        """Make a portion, keep it where it may be kept, and give it with the spectrum of its probe."""
        light = self.light(span)
        spectrum = self.canvas.spectrum_at(light.probe, span)
        probe = light.physics.ops.ifft2(spectrum)
        portion = Portion(replace(light, probe=probe), self.canvas.windows(span))
        if len(self._kept) < self.remembered:
            self._kept[span.start] = portion
        return portion, spectrum


@dataclass(frozen=True)
class Depth:
    """How far the U-Net of a pass looks.

    Attributes:
        levels: Times that it halves the sides, after the folding.
        widest: Channels of a level at most, as a multiple of those of the first.
    """

    levels: int
    widest: int

    @property
    def multiple(self) -> int:
        """Sides of a canvas are multiples of this, so that they can be folded and halved."""
        return FOLD << self.levels

    def channels(self, filters_scale: int) -> list[int]:
        """Give the channels of each level from the finest to the coarsest."""
        width = WIDTH * filters_scale
        return [width * min(1 << level, self.widest) for level in range(self.levels + 1)]


GROUP_DEPTH = Depth(levels=2, widest=4)
SCAN_DEPTH = Depth(levels=4, widest=4)
"""Slow phases are what a network that looks at a neighbourhood gets wrong: the coarsest level's kernels
span 96 pixels of the picture. Channels that went on doubling would make four times the weights."""


class UnrolledUNet(Block):
    """Turn far-field amplitudes into patches by learned reconstruction passes.

    One set of weights serves any number of positions: they meet on the canvas, not in the channels.

    Args:
        layers: Layers of the backend.
        settings: Shape of the network.
    """

    depth: ClassVar[Depth] = GROUP_DEPTH
    canvas: ClassVar[type[GroupCanvas | ScanCanvas]] = GroupCanvas

    def __init__(self, layers: Layers, settings: NetworkSettings) -> None:
        super().__init__(layers)
        self._activation = layers.activation(settings.amp_activation)
        self._bound_phase = bounded_phase(layers)
        self._shared = settings.object_big
        channels = self.depth.channels(settings.n_filters_scale)
        self.passes = [UNet(layers, 5 * FOLD**2, 2 * FOLD**2, channels) for _ in range(settings.unet_stages)]

    def __call__(self, light: Illumination, relative: Array) -> Array:
        """Infer patches that agree within each group.

        Args:
            light: Measurement and probe.
            relative: Group mean minus position [x, y] in pixels, shape (B, C, 2).

        Returns:
            Complex patches, shape (B, C, N, N).
        """
        canvas, picture = self.reconstruct(light, relative)
        ops = self._layers.ops
        return ops.reshape(canvas.at_positions(canvas.cut(picture)), ops.shape(light.measured))

    def reconstruct(self, light: Illumination, relative: Array) -> tuple[GroupCanvas | ScanCanvas, Array]:
        """Give the picture (B, H, W) of each group and where its patches lie; arguments as for a call.

        Where groups are not to be merged, each position is a group of its own: B is then B C.
        """
        reshape = self._layers.ops.reshape
        light, n = light.cornered(), light.measured.shape[-1]
        if not self._shared:
            ops, count = self._layers.ops, relative.shape[1]
            light = replace(
                light,
                measured=reshape(light.measured, (-1, 1, n, n)),
                probe=for_each_position(ops, light.probe, 3, count),
                good=for_each_position(ops, light.good, 2, count),
            )
            relative = reshape(relative, (-1, 1, 2))
        canvas = self.canvas(self._layers.physics, relative, n, self.depth.multiple)
        light = replace(light, probe=canvas.lit_by(light.probe))
        *_, picture = self.pictures(FramesAtOnce(light, canvas))
        return canvas, picture

    def pictures(self, sample: Sample) -> Iterator[Array]:
        """Reconstruct a sample, and give the complex picture (B, H, W) after each pass."""
        ops = self._layers.ops
        intensity, correction = sample.first_look()
        brightest = ops.reduce_max(intensity, IMAGE_AXES, keepdims=True)
        inverse = 1 / (intensity + STEP_LEVEL * brightest)
        # The root, an amplitude like the other planes.
        coverage = ops.sqrt(intensity / brightest)
        shape = ops.shape(inverse)
        amplitude, phase = ops.ones(shape, inverse), ops.zeros(shape, inverse)
        logits = [phase, phase]
        for number, network in enumerate(self.passes):
            picture = ops.polar(amplitude, phase)
            if number:
                correction = sample.correction(picture)
            # Turned back by the picture's phase, the real part asks for amplitude, the imaginary for phase.
            turned = correction * ops.polar(inverse, -phase)
            planes = [part(view) for view in (picture, turned) for part in (ops.real, ops.imag)]
            answer = network(self._layers.fold([*planes, coverage], FOLD))
            steps = self._layers.unfold(ops.cast_like(answer, inverse), FOLD)
            logits = [logit + step for logit, step in zip(logits, steps, strict=True)]
            amplitude = self._activation(AMPLITUDE_SLOPE * logits[0])
            phase = self._bound_phase(logits[1])
            yield ops.polar(amplitude, phase)


class CanvasUNet(UnrolledUNet):
    """The same passes with a longer reach, on one canvas for all frames of a scan or of a window of it."""

    depth = SCAN_DEPTH
    canvas = ScanCanvas


def least_numbers(kind: type[UnrolledUNet]) -> Callable[[NetworkSettings], int]:
    """Give the bound of the numbers in the weights of a network of this kind, for its architecture."""

    def least(settings: NetworkSettings) -> int:
        channels = kind.depth.channels(settings.n_filters_scale)
        numbers = [pair_numbers(fine, coarse) for fine, coarse in pairwise(channels)]
        return settings.unet_stages * sum(numbers)

    return least
