"""A whole scan through a network at once: its frames meet on one canvas, nothing is stitched.

Shape legend: n positions, P probe modes, N patch side, H and W picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptycho.physics.canvas import Canvas, place
from ptycho.physics.limits import COVERAGE_FLOOR
from ptycho.physics.stitch import Stitched

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .iteration import FrameSource
    from .trained_network import TrainedNetwork


def reconstruct_whole(
    trained: TrainedNetwork, frames: FrameSource, positions: NDArray[np.float64]
) -> Stitched:
    """Let a network make the picture of a scan, on the canvas that stitching would take.

    Args:
        trained: A network whose architecture takes whole scans.
        frames: Gives normalised amplitudes X by index.
        positions: Patch centres [x, y] in pixels, shape (n, 2).

    Returns:
        Picture, coverage in units of the brightest pixel of the probe, and origin; what no light reaches is
        zero.
    """
    N = trained.settings.N
    # The network has whole pixels, of which the first is the rounded corner of the outermost patches.
    rounded = np.floor(positions + 0.5).astype(np.int64)
    made = Canvas.around(rounded.astype(np.float64), N)
    picture = trained.picture(frames, positions, rounded[0])
    canvas = Canvas.around(positions, N)
    left, top = np.subtract(made.origin_px, canvas.origin_px).tolist()
    height, width = made.shape
    whole = np.zeros(canvas.shape, np.complex64)
    whole[top : top + height, left : left + width] = picture[:height, :width]
    probe = trained.probe()
    light = (probe.real**2 + probe.imag**2).sum(axis=0)
    coverage = place(light / light.max(), positions, canvas)
    whole[coverage <= COVERAGE_FLOOR * coverage.max()] = 0
    return Stitched(object=whole, coverage=coverage.astype(np.float32), origin_px=canvas.origin_px)
