"""What a picture leaves unexplained: on the detector, on the sample, frame by frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptycho.report.figures.figure import LINES, TICKED, limits_of, open_figure, show, write
from ptycho.report.figures.panel import Axis, Points

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.physics.arrays import Real


def save_residuals(
    path: Path, on_detector: Real, on_sample: Real, of_frames: Real, *, in_photons: bool
) -> None:
    """Draw the residuals of a picture.

    Args:
        path: PNG file.
        on_detector: Squared error of each pixel, shape (N, N); NaN where it is masked.
        on_sample: Misfit of the frames that light a place, shape (H, W); NaN in the dark.
        of_frames: Misfit of each frame, shape (n,).
        in_photons: Whether the errors on the detector are multiples of the photon noise.
    """
    figure, grid = open_figure(1, 3, 2.3, 2.3, TICKED)
    detector, sample, frames = grid[0]
    unit = "squared error / photon noise" if in_photons else "squared error / energy"
    for panel, picture, title, quantity in (
        (detector, on_detector, "on the detector", f"log10 {unit}"),
        (sample, on_sample, "on the sample", "log10 misfit"),
    ):
        logarithm = np.log10(picture, out=np.full(picture.shape, np.nan), where=picture > 0)
        finite = logarithm[np.isfinite(logarithm)]
        limits = limits_of(finite) if finite.size else (0.0, 1.0)
        show(panel, logarithm, title=title, quantity=quantity, limits=limits, colours="magma")
    at = np.column_stack([np.arange(len(of_frames)), np.maximum(of_frames, 1e-12)])
    frames.points.append(Points(at, LINES[0]))
    frames.title, frames.x, frames.y = "frame by frame", Axis("frame"), Axis("misfit", logarithmic=True)
    write(figure, path)
