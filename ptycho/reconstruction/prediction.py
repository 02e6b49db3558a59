"""What a picture predicts for frames, by the arithmetic of the sweeps: fractions of pixels move the probe.

Shape legend: n frames, P probe modes, N patch side, H and W picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptycho.physics import numpy_operations as ops
from ptycho.physics.canvas import Canvas
from ptycho.physics.patches import PatchLayout
from ptycho.physics.sweeps import shift

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptycho.physics.arrays import Complex, Real


def predict_frames(
    picture: Complex, origin_px: tuple[int, int], probe: Complex, positions: Real
) -> NDArray[np.float32]:
    """Predict the far-field amplitudes of frames; what lies outside the picture is its mean.

    Args:
        picture: Complex transmission, shape (H, W).
        origin_px: [x, y] of its pixel [0, 0] in the coordinates of the positions.
        probe: Modes in any unit, shape (P, N, N).
        positions: Patch centres [x, y] in pixels, shape (n, 2).

    Returns:
        Amplitudes in the unit of the probe, zero frequency at [N/2, N/2], shape (n, N, N).
    """
    N = probe.shape[-1]
    row, canvas = _on_canvas(picture, origin_px, Canvas.around(positions, N))
    layout = PatchLayout.on(canvas, positions, N)
    patches = ops.gather(row, layout.index(np.arange(len(positions))))
    modes = np.asarray(probe, np.complex64)[None]
    waves = patches[:, None] * (shift(ops, modes, layout.rest) if layout.between_pixels else modes)
    amplitude = np.sqrt(ops.reduce_sum(ops.power(ops.fft2(waves)), 1)) / N
    return np.asarray(ops.fftshift(amplitude), np.float32)


def _on_canvas(
    picture: Complex, origin_px: tuple[int, int], canvas: Canvas
) -> tuple[NDArray[np.complex64], Canvas]:
    """Lay a picture on a canvas that holds it and every patch, its rows end to end."""
    height, width = picture.shape
    left, top = (min(a, b) for a, b in zip(origin_px, canvas.origin_px, strict=True))
    right = max(origin_px[0] + width, canvas.origin_px[0] + canvas.shape[1])
    bottom = max(origin_px[1] + height, canvas.origin_px[1] + canvas.shape[0])
    lit = picture[picture != 0]
    whole = np.full((bottom - top, right - left), lit.mean() if lit.size else 0, np.complex64)
    column, line = origin_px[0] - left, origin_px[1] - top
    window = whole[line : line + height, column : column + width]
    np.copyto(window, picture, casting="same_kind", where=picture != 0)
    return whole.reshape(-1), Canvas((left, top), (bottom - top, right - left))
