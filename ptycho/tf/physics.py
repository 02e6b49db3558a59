"""Differentiable forward model of far-field ptychography, equal to the numpy reference in `ptycho.physics`.

Everything runs in a graph or outside of one, and keeps the precision of its arguments. A canvas side that
depends on the data is a tensor: graphs are traced once for all sizes.

Shape legend: B groups, C positions of a group, P probe modes, N patch side, M canvas side. Offsets are
pixels in the order [x, y] (column, row). A positive offset moves content to larger indices.
"""

from typing import TypeAlias

import tensorflow as tf

from ptycho.physics.illumination import SMOOTHING_REACH_SIGMAS
from ptycho.physics.limits import COVERAGE_FLOOR, INTENSITY_FLOOR, WIENER_LEVEL

Side: TypeAlias = int | tf.Tensor
"""A number of pixels: plain where it is known while tracing, else a scalar int32 tensor."""

_LAST_TWO = (-2, -1)


def propagate(waves: tf.Tensor) -> tf.Tensor:
    """Carry waves to the far field; energy is conserved and zero frequency lands at [N/2, N/2]."""
    return tf.signal.fftshift(far_field(waves), axes=_LAST_TWO)


def back_propagate(fields: tf.Tensor) -> tf.Tensor:
    """Invert `propagate`."""
    return near_field(tf.signal.ifftshift(fields, axes=_LAST_TWO))


def far_field(waves: tf.Tensor) -> tf.Tensor:
    """Carry waves to the far field as `propagate` does, with zero frequency left at [0, 0]."""
    return scale(tf.signal.fft2d(waves), 1 / waves.shape[-1])


def near_field(fields: tf.Tensor) -> tf.Tensor:
    """Invert `far_field`."""
    return scale(tf.signal.ifft2d(fields), float(fields.shape[-1]))


def scale(images: tf.Tensor, factor: tf.Tensor | float) -> tf.Tensor:
    """Multiply complex images by real factors."""
    real = tf.convert_to_tensor(factor, images.dtype.real_dtype)
    return tf.complex(tf.math.real(images) * real, tf.math.imag(images) * real)


def power(waves: tf.Tensor) -> tf.Tensor:
    """Return the squared modulus."""
    return tf.square(tf.math.real(waves)) + tf.square(tf.math.imag(waves))


def polar(modulus: tf.Tensor, phase: tf.Tensor) -> tf.Tensor:
    """Return modulus * exp(i phase)."""
    return tf.complex(modulus * tf.cos(phase), modulus * tf.sin(phase))


def side_of(images: tf.Tensor) -> Side:
    """Return the length of the last axis, as a number if it is known while tracing."""
    static = images.shape[-1]
    return tf.shape(images)[-1] if static is None else static


def _shift_matrix(shift: tf.Tensor, rows: Side, columns: Side, origin: tf.Tensor) -> tf.Tensor:
    """Return the linear-interpolation matrices (..., rows, columns) that move a line by shift + origin."""
    target = tf.cast(tf.range(rows), shift.dtype)
    source = tf.cast(tf.range(columns), shift.dtype)
    distance = (target[:, None] - source[None, :]) - (shift[..., None, None] + origin)
    return tf.nn.relu(1 - tf.abs(distance))


def _apply(matrix_y: tf.Tensor, images: tf.Tensor, matrix_x: tf.Tensor) -> tf.Tensor:
    """Apply separable real matrices to the rows and columns of real or complex images."""
    if not images.dtype.is_complex:
        return tf.matmul(tf.matmul(matrix_y, images), matrix_x, transpose_b=True)
    parts = (tf.math.real(images), tf.math.imag(images))
    return tf.complex(*(_apply(matrix_y, part, matrix_x) for part in parts))


def place(images: tf.Tensor, offsets: tf.Tensor, side: Side) -> tf.Tensor:
    """Move images by their offsets and lay them centred on squares of another side, zero outside.

    Bilinear interpolation is separable, so one banded matrix per axis moves, pads and crops in one
    product, differentiable with respect to the images and the offsets alike.

    Args:
        images: Real or complex images, shape (..., N, N).
        offsets: Displacement [x, y] in pixels, shape (..., 2).
        side: Side of the result; larger pads, smaller crops around pixel N/2.

    Returns:
        Images of shape (..., side, side).
    """
    n = side_of(images)
    origin = tf.cast(side // 2 - n // 2, offsets.dtype)
    matrix_x = _shift_matrix(offsets[..., 0], side, n, origin)
    matrix_y = _shift_matrix(offsets[..., 1], side, n, origin)
    return _apply(matrix_y, images, matrix_x)


def translate(images: tf.Tensor, offsets: tf.Tensor) -> tf.Tensor:
    """Move the content of images by +offsets = [x, y] pixels, bilinear, with zeros flowing in."""
    return place(images, offsets, side_of(images))


def reach_of(relative: tf.Tensor) -> tf.Tensor:
    """Return the whole pixels, int32, that the farthest position lies away along an axis."""
    farthest = tf.reduce_max(tf.abs(tf.stop_gradient(relative)))
    return tf.cast(tf.math.ceil(tf.maximum(farthest, 0)), tf.int32)


def canvas_side(relative: tf.Tensor, n: Side) -> tf.Tensor:
    """Return the side of a square canvas on which no position of any group is cut off."""
    return n + 2 * reach_of(relative)


def merge_group(patches: tf.Tensor, relative: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Average the overlapping patches of each group on a canvas of its own.

    Args:
        patches: Complex object patches, shape (B, C, N, N).
        relative: Group mean minus position [x, y] in pixels, shape (B, C, 2).
        weights: Non-negative confidence of each patch pixel, shape (N, N).

    Returns:
        Canvases, shape (B, M, M); pixels that no weight reaches are zero.
    """
    side = canvas_side(relative, side_of(patches))
    placed = tf.reduce_sum(place(scale(patches, weights), -relative, side), axis=1)
    spread = tf.broadcast_to(weights, tf.shape(patches))
    total = tf.reduce_sum(place(spread, -relative, side), axis=1)
    reached = total > COVERAGE_FLOOR * tf.reduce_max(total, axis=_LAST_TWO, keepdims=True)
    inverse = tf.where(reached, 1 / tf.where(reached, total, 1), 0)
    return scale(placed, inverse)


def extract_group(canvas: tf.Tensor, relative: tf.Tensor, n: Side) -> tf.Tensor:
    """Cut each position's N x N window out of its group's canvas: (B, M, M) -> (B, C, N, N)."""
    shape = tf.shape(canvas)
    copies = tf.broadcast_to(canvas[:, None], (shape[0], relative.shape[1], shape[1], shape[2]))
    return place(copies, relative, n)


def overlap(patches: tf.Tensor, relative: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Make the patches of each group agree where they overlap: merge, then extract.

    A group of one position keeps its patch untouched.
    """
    if patches.shape[1] == 1:
        return patches
    return extract_group(merge_group(patches, relative, weights), relative, side_of(patches))


def disk_mask(n: int, *, dtype: tf.DType = tf.float32) -> tf.Tensor:
    """Return 1 within N/4 of pixel [N/2, N/2] and 0 beyond, shape (N, N)."""
    axis = tf.range(n) - n // 2
    inside = 16 * (axis[:, None] ** 2 + axis[None, :] ** 2) <= n**2
    return tf.cast(inside, dtype)


def smooth(waves: tf.Tensor, sigma: float) -> tf.Tensor:
    """Blur complex waves with a Gaussian of `sigma` pixels, cut at four sigma, zero outside the frame."""
    if sigma == 0:
        return waves
    dtype = waves.dtype.real_dtype
    reach = int(SMOOTHING_REACH_SIGMAS * sigma + 0.5)
    axis = tf.cast(tf.range(side_of(waves)), dtype)
    distance = tf.abs(axis[:, None] - axis[None, :])
    steps = tf.cast(tf.range(-reach, reach + 1), dtype)
    total = tf.reduce_sum(tf.exp(-0.5 * tf.square(steps / sigma)))
    matrix = tf.where(distance <= reach, tf.exp(-0.5 * tf.square(distance / sigma)), 0) / total
    return _apply(matrix, waves, matrix)


def exit_waves(
    patches: tf.Tensor, probe: tf.Tensor, *, disk: tf.Tensor | None = None, sigma: float = 0.0
) -> tf.Tensor:
    """Illuminate every patch with every probe mode, then apply the disk and the smoothing where asked.

    Args:
        patches: Complex transmission, shape (..., N, N).
        probe: Complex modes in normalised amplitude, shape (P, N, N).
        disk: Mask of the illuminated field, shape (N, N), or None.
        sigma: Width of the Gaussian smoothing in pixels; 0 switches it off.

    Returns:
        Exit waves, shape (..., P, N, N).

    Source:
        Thibault and Menzel, Nature 494, 68 (2013): mixed states.
    """
    waves = patches[..., None, :, :] * probe
    if disk is not None:
        waves = scale(waves, disk)
    return smooth(waves, sigma)


def intensity(waves: tf.Tensor) -> tf.Tensor:
    """Add the far-field intensities of incoherent modes: (..., P, N, N) -> (..., N, N)."""
    n = waves.shape[-1]
    modes = power(tf.signal.fft2d(waves))
    total = modes[..., 0, :, :] if waves.shape[-3] == 1 else tf.reduce_sum(modes, axis=-3)
    return tf.signal.fftshift(total, axes=_LAST_TWO) / n**2


def amplitude(waves: tf.Tensor) -> tf.Tensor:
    """Return the far-field amplitude of incoherent modes, with a finite slope where it vanishes."""
    return tf.sqrt(tf.maximum(intensity(waves), INTENSITY_FLOOR))


def illumination(probe: tf.Tensor) -> tf.Tensor:
    """Add the intensities of all probe modes: (P, N, N) -> (N, N)."""
    return tf.reduce_sum(power(probe), axis=0)


def back_project(measured: tf.Tensor, probe: tf.Tensor, level: float = WIENER_LEVEL) -> tf.Tensor:
    """Estimate the object from measured amplitudes and the phase of the empty beam.

    The measured amplitude takes the phase of the main probe mode's far field, travels back, and is
    divided by the probe with a Wiener filter.

    Args:
        measured: Far-field amplitude, zero frequency at [N/2, N/2], shape (..., N, N).
        probe: Complex modes, main mode first, shape (P, N, N).
        level: Regularisation, as a fraction of the brightest probe intensity.

    Returns:
        Complex object estimates, shape (..., N, N).
    """
    main = probe[0]
    wave = back_propagate(polar(measured, tf.math.angle(propagate(main))))
    bright = power(main)
    return wave * scale(tf.math.conj(main), 1 / (bright + level * tf.reduce_max(bright)))
