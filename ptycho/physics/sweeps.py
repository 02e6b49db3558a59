"""The arithmetic of iterative mixed-state ptychography, written once over a backend's operations.

Some frames at a time, the predicted amplitudes are replaced by the measured ones, and object and probe move
by what the changed exit waves ask for on average. Positions between pixels shift the probe, by Fourier
interpolation, so that the object is never blurred.

Shape legend: K frames at a time, P probe modes, N patch side, H and W canvas. Fields are unscaled, with zero
frequency at [0, 0]: the factors of N cancel on the way there and back.

Source:
    Maiden, Johnson and Li, Optica 4, 736 (2017): regularised updates (rPIE), here for several frames at once.
    Thibault and Menzel, Nature 494, 68 (2013): mixed states.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from .limits import INTENSITY_FLOOR
from .operations import Array, Operations

_FLAT = 1e-9
"""Determinant of the normal equations of a shift below which a patch is flat."""


class Estimate(NamedTuple):
    """What sweeps move.

    Attributes:
        row: Complex object, its rows laid end to end, shape (H W,).
        probe: Complex modes on the network's scale, shape (P, N, N).
    """

    row: Array
    probe: Array


class FrameBatch(NamedTuple):
    """Some frames and where they lie.

    Attributes:
        measured: Normalised amplitudes, zero frequency at [N/2, N/2], shape (K, N, N); minus the amplitude
            where a pixel was saturated, and says no more than that it saw at least as much.
        start: Place of the first pixel of each patch in the row, shape (K,).
        rest: What whole pixels leave of each position [x, y], shape (K, 2).
    """

    measured: Array
    start: Array
    rest: Array


class PatchPixels(NamedTuple):
    """What the pixels of every patch have in common.

    Attributes:
        window: Place of each in the row, counted from the first, shape (N, N).
        turns: Radians by which a shift of one pixel turns each frequency of an axis, shape (N,).
        good: True where a detector pixel is good, shape (N, N); looked at where the kind of step says so.
    """

    window: Array
    turns: Array
    good: Array


class Pulls(NamedTuple):
    """What frames ask for, added up over them.

    Attributes:
        object: Change of the exit waves times the conjugate probe, shape (H W,).
        light: Intensity that falls on each pixel, shape (H W,).
        probe: Change of the exit waves times the conjugate object, shape (P, N, N).
        passed: Share of the light that each pixel of the patches lets pass, shape (N, N).
        misfit: Squared amplitude error and measured energy, shape (2,).
    """

    object: Array
    light: Array
    probe: Array
    passed: Array
    misfit: Array


class Dampings(NamedTuple):
    """How steps are regularised: 0 divides by the local intensity, 1 by the largest one.

    Attributes:
        object: Scalar array, for the object under the probe's light.
        probe: Scalar array, for the probe behind the object.
        dark: Scalar array, intensity on the detector below which a pixel counts no photons to speak of.
    """

    object: Array
    probe: Array
    dark: Array


@dataclass(frozen=True)
class StepKind:
    """What a step does; a backend that compiles its steps keeps one for each kind.

    Attributes:
        learn_probe: Move the probe too.
        between_pixels: Some position is no whole pixel. Otherwise two of every three transforms are spared.
        masked: Some detector pixels are bad.
        find_shifts: Say how far each frame lies from where it was laid.
        saturated: Some measured values are saturated.
        few_photons: Compare intensities as well as amplitudes.
    """

    learn_probe: bool
    between_pixels: bool
    masked: bool
    find_shifts: bool = False
    saturated: bool = False
    few_photons: bool = False


def step(
    ops: Operations,
    kind: StepKind,
    estimate: Estimate,
    batch: FrameBatch,
    pixels: PatchPixels,
    dampings: Dampings,
) -> tuple[Estimate, Array, Array]:
    """Move object and probe by what a few frames ask for.

    Args:
        ops: Array operations of the backend.
        kind: What to do.
        estimate: Object and probe.
        batch: The frames.
        pixels: What all patches have in common.
        dampings: How the step is regularised.

    Returns:
        The new estimate, squared amplitude error and measured energy, shape (2,), and for each frame its
        shift [x, y] and the variance of one, in units of that of an exit wave, shape (K, 3).
    """
    asked, shifts = pull(ops, kind, estimate, batch, pixels, dampings.dark)
    return move(ops, kind, estimate, asked, dampings), asked.misfit, shifts


def pull(
    ops: Operations,
    kind: StepKind,
    estimate: Estimate,
    batch: FrameBatch,
    pixels: PatchPixels,
    dark: Array,
) -> tuple[Pulls, Array]:
    """Add up what frames ask object and probe to become, and fit their shifts; arguments as for `step`."""
    index = batch.start[:, None, None] + pixels.window
    patches = ops.gather(estimate.row, index)
    ramp = shift_ramp(ops, batch.rest, pixels.turns) if kind.between_pixels else None
    probe = estimate.probe[None] if ramp is None else ops.ifft2(ops.fft2(estimate.probe)[None] * ramp)
    fields = ops.fft2(patches[:, None] * probe)
    change, misfit = _change(ops, kind, fields, batch.measured, pixels.good, dark)
    light = ops.reduce_sum(ops.power(probe), 1)
    if ramp is None:
        light = ops.broadcast_to(light, ops.shape(batch.measured))
    probe_pull, passed = estimate.probe, ops.zeros(ops.shape(pixels.good), misfit)
    if kind.learn_probe:
        probe_pull, passed = _probe_pull(ops, patches, change, ramp)
    shifts = ops.zeros((*ops.shape(batch.rest)[:1], 3), misfit)
    if kind.find_shifts:
        shifts = _shifts(ops, patches, probe, change)
    asked = Pulls(
        object=ops.scatter_add(ops.reduce_sum(ops.conj(probe) * change, 1), index, estimate.row),
        light=ops.scatter_add(light, index, estimate.row),
        probe=probe_pull,
        passed=passed,
        misfit=misfit,
    )
    return asked, shifts


def add(pulls: Pulls, more: Pulls) -> Pulls:
    """Add up what two lots of frames ask for."""
    return Pulls(*(a + b for a, b in zip(pulls, more, strict=True)))


def move(ops: Operations, kind: StepKind, estimate: Estimate, asked: Pulls, dampings: Dampings) -> Estimate:
    """Move by what was asked, divided by the intensity that asked for it.

    A pixel that little light reaches would take a long step on little evidence: the brightest pixel's light,
    weighed by the damping, stands under every step and shortens those of the dark ones (rPIE).
    """
    row = estimate.row + ops.scale(asked.object, _inverse(ops, asked.light, dampings.object))
    if not kind.learn_probe:
        return Estimate(row, estimate.probe)
    return Estimate(row, estimate.probe + ops.scale(asked.probe, _inverse(ops, asked.passed, dampings.probe)))


def frequency_turns(ops: Operations, N: int, like: Array) -> Array:
    """Give the radians by which a shift of one pixel turns each of N frequencies, in the type of an array."""
    pixel = ops.arange(0, N, like)
    # The highest frequency of an even side counts as negative, as in numpy.fft.fftfreq.
    return ops.where(pixel < N / 2, pixel, pixel - N) * (-2 * math.pi / N)


def shift_ramp(ops: Operations, offsets: Array, turns: Array) -> Array:
    """Give the factors that move spectra by +offsets (K, 2) = [x, y] pixels, shape (K, 1, N, N).

    Moving by a phase ramp is cyclic and exact for what the pixels sample; its inverse is its conjugate.
    """
    turn = offsets[:, :, None] * turns
    lines = ops.polar(ops.ones(ops.shape(turn), turn), turn)
    return (lines[:, 1, :, None] * lines[:, 0, None, :])[:, None]


def shift(ops: Operations, waves: Array, offsets: Array) -> Array:
    """Move waves (K or 1, P, N, N) by +offsets (K, 2) = [x, y] pixels with Fourier interpolation, cyclic."""
    return ops.ifft2(shifted_spectrum(ops, waves, offsets))


def shifted_spectrum(ops: Operations, waves: Array, offsets: Array) -> Array:
    """Give the unscaled spectrum of what `shift` gives, zero frequency at [0, 0]."""
    return ops.fft2(waves) * shift_ramp(ops, offsets, frequency_turns(ops, waves.shape[-1], offsets))


def _change(
    ops: Operations, kind: StepKind, fields: Array, measured: Array, good: Array, dark: Array
) -> tuple[Array, Array]:
    """Find how exit waves have to change for what was measured of their far fields, and how far they are off.

    Amplitudes are what Poisson noise leaves with the same variance, 1/4 of a photon, in every bright pixel.
    In a dark one the mean of the root of a count lies far below the root of its mean: amplitudes alone pull
    its light towards zero, and with it fine detail, of which at 1e4 photons a frame half was lost.
    Intensities have the right mean and more noise. The average of both left the least error there.
    A saturated pixel asks for nothing once as much is predicted as it can show: its likelihood has one side.
    """
    # Divided by N: fields are unscaled, and measured amplitudes belong to the unitary transform.
    amplitude = ops.sqrt(ops.reduce_sum(ops.power(fields), 1)) / fields.shape[-1]
    measured = ops.ifftshift(measured)
    shown = ops.absolute(measured) if kind.saturated else measured
    gap = shown - amplitude
    if kind.saturated:
        gap = ops.where(measured < 0, ops.maximum(gap, 0.0), gap)
    if kind.masked:
        good = ops.ifftshift(good)
        # A bad pixel may hold NaN: it is chosen away, for a product with zero would keep it.
        gap, shown = ops.where(good, gap, 0.0), ops.where(good, shown, 0.0)
    # Where nothing is predicted there is no phase to give the measured amplitude: the change stays small.
    ratio = gap / ops.maximum(amplitude, math.sqrt(INTENSITY_FLOOR))
    if kind.few_photons:
        # Fisher's step for a Poisson rate, half of (n - a²) / a², kept finite where the rate goes to zero.
        ratio = 0.5 * ratio + 0.25 * gap * (shown + amplitude) / (ops.square(amplitude) + dark)
    misfit = ops.stack([ops.reduce_sum(ops.square(gap)), ops.reduce_sum(ops.square(shown))])
    return ops.ifft2(ops.scale(fields, ratio[:, None])), misfit


def _probe_pull(ops: Operations, patches: Array, change: Array, ramp: Array | None) -> tuple[Array, Array]:
    """Add up what the changes ask of the probe, each moved back to where the probe lies."""
    asked = ops.conj(patches)[:, None] * change
    passed = ops.reduce_sum(ops.power(patches), 0)
    if ramp is None:
        return ops.reduce_sum(asked, 0), passed
    # Spectra are added before they are transformed: one inverse transform serves all frames.
    return ops.ifft2(ops.reduce_sum(ops.fft2(asked) * ops.conj(ramp), 0)), passed


def _shifts(ops: Operations, patches: Array, probe: Array, change: Array) -> Array:
    """Fit the shift of each frame that explains the change of its exit wave best, by least squares.

    The frame moves over the object by d, and its exit wave changes by P (d . grad O): two unknowns and many
    pixels. Patches end where they do, so the slope is taken inside.
    """
    inner = (slice(None), slice(None), slice(1, -1), slice(1, -1))
    lit, asked = probe[inner], change[inner]
    slopes = (patches[:, 1:-1, 2:] - patches[:, 1:-1, :-2], patches[:, 2:, 1:-1] - patches[:, :-2, 1:-1])
    # Half, because a central difference spans two pixels.
    waves = [ops.scale(slope, 0.5)[:, None] * lit for slope in slopes]

    def product(a: Array, b: Array) -> Array:
        return ops.reduce_sum(ops.real(ops.conj(a) * b), (1, 2, 3))

    x, y = (product(wave, asked) for wave in waves)
    xx, yy, xy = (product(*pair) for pair in ((waves[0],) * 2, (waves[1],) * 2, tuple(waves)))
    # A flat patch has no slope: its frame stays where it is.
    whole = ops.maximum(xx * yy - xy * xy, _FLAT)
    return ops.stack([(yy * x - xy * y) / whole, (xx * y - xy * x) / whole, 0.5 * (xx + yy) / whole], 1)


def _inverse(ops: Operations, intensity: Array, damping: Array) -> Array:
    # Any damping above 0 keeps the divisor above 0 where no light falls.
    return 1 / ((1 - damping) * intensity + damping * ops.reduce_max(intensity))
