"""Iterative mixed-state ptychography: the engine under probe retrieval and refinement.

A step takes a few frames, replaces predicted by measured amplitudes, and moves object and probe by what the
changed exit waves ask for on average. Positions between pixels shift the probe, by Fourier interpolation,
so that the object is never blurred. One graph serves all steps of all scans of a patch side.

Shape legend: n frames, K frames of a step, P probe modes, N patch side, H and W canvas.

Source:
    Maiden, Johnson and Li, Optica 4, 736 (2017): regularised updates (rPIE), here for several frames at once.
    Thibault and Menzel, Nature 494, 68 (2013): mixed states.
"""

import functools
import math
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ptycho.physics import sweeps
from ptycho.physics.canvas import Canvas
from ptycho.physics.limits import INTENSITY_FLOOR
from ptycho.physics.noise import POISSON_EPS
from ptycho.physics.sweeps import Frames, Layout, Steps

from . import physics


class _State(NamedTuple):
    """What steps move: the object as one row (H W,), the probe (P, N, N), and the misfit's two sums (2,)."""

    row: tf.Tensor
    probe: tf.Tensor
    shares: tf.Tensor


class _Visit(NamedTuple):
    """What a step sees: amplitudes (K, N, N), index of each pixel (K, N, N), rest of positions (K, 2)."""

    measured: tf.Tensor
    index: tf.Tensor
    rest: tf.Tensor


class Estimate:
    """Object canvas and probe of a scan, moved by sweeps over its frames.

    Args:
        frames: The measurement.
        picture: Complex object, shape (H, W).
        origin_px: [x, y] of the picture's pixel [0, 0] in the coordinates of the positions, whole pixels.
        probe: Complex modes on the network's scale, shape (P, N, N).
        steps: How to move.
        device: Where to compute, as TensorFlow calls it; None lets TensorFlow choose.

    Raises:
        ValueError: A patch does not lie on the picture.
    """

    def __init__(
        self,
        frames: Frames,
        picture: NDArray[np.complex64],
        origin_px: tuple[int, int],
        probe: NDArray[np.complex64],
        steps: Steps | None = None,
        device: str | None = None,
    ) -> None:
        self.frames = frames
        self.steps = steps or Steps()
        self._device = device
        height, width = self._shape = picture.shape
        self._layout = Layout.of(frames.positions, probe.shape[-1], Canvas(origin_px, (height, width)))
        n = probe.shape[-1]
        good = np.ones((n, n), bool) if frames.good is None else np.asarray(frames.good)
        with tf.device(device):
            self._good = tf.constant(good)
            self._row = tf.constant(picture.reshape(-1), tf.complex64)
            self._probe = tf.constant(probe, tf.complex64)
        self._rng = np.random.default_rng(self.steps.seed)

    @property
    def picture(self) -> NDArray[np.complex64]:
        """The object as it is now, shape (H, W)."""
        return np.asarray(self._row.numpy().reshape(self._shape))

    @property
    def probe(self) -> NDArray[np.complex64]:
        """The probe as it is now, shape (P, N, N)."""
        return np.asarray(self._probe.numpy())

    def read(self) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
        """Return object and probe as they are now."""
        return self.picture, self.probe

    def sweep(self, *, learn_probe: bool = False) -> float:
        """Visit every frame once, in random order.

        Args:
            learn_probe: Move the probe too, and leave its modes orthogonal.

        Returns:
            Misfit met on the way: summed squared amplitude error, as a share of the measured energy.
        """
        step = _compiled_step(self._probe.shape[-1], learn_probe)
        with tf.device(self._device):
            damping = tf.constant([self.steps.object_damping, self.steps.probe_damping], tf.float32)
            state = _State(self._row, self._probe, tf.zeros(2))
            for chosen in sweeps.visits(len(self.frames), self.steps.batch_size, self._rng):
                state = step(state, self._visit(chosen), self._good, damping)
            self._row, self._probe, shares = state
            if learn_probe and len(self._probe) > 1:
                self._probe = tf.constant(sweeps.orthogonalise(self.probe))
        error, energy = shares.numpy().tolist()
        return float(error / max(energy, POISSON_EPS))

    def _visit(self, chosen: NDArray[np.int64]) -> _Visit:
        index = self._layout.start[chosen][:, None, None] + self._layout.window
        measured = tf.convert_to_tensor(self.frames.source(chosen), tf.float32)
        return _Visit(measured, tf.constant(index, tf.int32), tf.constant(self._layout.rest[chosen]))


@functools.cache
def _compiled_step(n: int, learn_probe: bool) -> Any:
    """Compile a step for patches of side n, once for all scans, batch sizes and numbers of modes."""
    signature = [
        _State(
            tf.TensorSpec([None], tf.complex64), tf.TensorSpec([None, n, n], tf.complex64), tf.TensorSpec([2])
        ),
        _Visit(tf.TensorSpec([None, n, n]), tf.TensorSpec([None, n, n], tf.int32), tf.TensorSpec([None, 2])),
        tf.TensorSpec([n, n], tf.bool),
        tf.TensorSpec([2]),
    ]
    return tf.function(functools.partial(_step, learn_probe=learn_probe), input_signature=signature)


def _step(state: _State, visit: _Visit, good: tf.Tensor, damping: tf.Tensor, *, learn_probe: bool) -> _State:
    patches = tf.gather(state.row, visit.index)
    probe = shift(state.probe[None], visit.rest)
    # Factors of N cancel on the way there and back, so fields stay unscaled, with zero frequency at [0, 0].
    fields = tf.signal.fft2d(patches[:, None] * probe)
    amplitude = tf.sqrt(tf.reduce_sum(physics.power(fields), axis=1)) / fields.shape[-1]
    measured, good = (tf.signal.ifftshift(t, axes=(-2, -1)) for t in (visit.measured, good))
    measured = tf.where(good, measured, 0)
    gap = tf.where(good, measured - amplitude, 0)
    ratio = gap / tf.maximum(amplitude, math.sqrt(INTENSITY_FLOOR))
    change = tf.signal.ifft2d(physics.scale(fields, ratio[:, None]))
    shares = state.shares + tf.stack([tf.reduce_sum(tf.square(t)) for t in (gap, measured)])
    moved = _move_probe(state.probe, patches, change, visit.rest, damping[1]) if learn_probe else state.probe
    return _State(_move_object(state.row, visit.index, probe, change, damping[0]), moved, shares)


def _move_object(
    row: tf.Tensor, index: tf.Tensor, probe: tf.Tensor, change: tf.Tensor, damping: tf.Tensor
) -> tf.Tensor:
    light = tf.reduce_sum(physics.power(probe), axis=1)
    pull = tf.reduce_sum(tf.math.conj(probe) * change, axis=1)
    total = tf.math.unsorted_segment_sum(pull, index, tf.size(row))
    weight = tf.math.unsorted_segment_sum(light, index, tf.size(row))
    return row + physics.scale(total, 1 / ((1 - damping) * weight + damping * tf.reduce_max(weight)))


def _move_probe(
    probe: tf.Tensor, patches: tf.Tensor, change: tf.Tensor, rest: tf.Tensor, damping: tf.Tensor
) -> tf.Tensor:
    pull = tf.reduce_sum(shift(tf.math.conj(patches)[:, None] * change, -rest), axis=0)
    weight = tf.reduce_sum(physics.power(patches), axis=0)
    return probe + physics.scale(pull, 1 / ((1 - damping) * weight + damping * tf.reduce_max(weight)))


def shift(waves: tf.Tensor, offsets: tf.Tensor) -> tf.Tensor:
    """Move waves (K, P, N, N) by +offsets (K, 2) = [x, y] pixels with Fourier interpolation, cyclic.

    Waves (1, P, N, N) are moved by each of the offsets.
    """
    frequency = tf.constant(np.fft.fftfreq(waves.shape[-1]), offsets.dtype)
    turn = -2 * math.pi * offsets[..., None] * frequency
    ramp = physics.polar(1.0, turn[:, 1, None, :, None]) * physics.polar(1.0, turn[:, 0, None, None, :])
    return tf.signal.ifft2d(tf.signal.fft2d(waves) * ramp)


def engine_maker(frames: Frames, steps: Steps | None, device: str | None) -> sweeps.EngineMaker:
    """Say how estimates over these frames are made on a device; None lets TensorFlow choose."""

    def make(
        picture: NDArray[np.complex64], origin_px: tuple[int, int], probe: NDArray[np.complex64]
    ) -> Estimate:
        return Estimate(frames, picture, origin_px, probe, steps, device)

    return make
