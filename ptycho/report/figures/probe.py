"""Pictures of a probe, mode by mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptycho.report.figures.figure import (
    CYCLIC,
    TICKED,
    Extent,
    open_figure,
    show,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.physics.arrays import Complex


def save_probe(path: Path, probe: Complex, *, pixel_size_m: float | None = None) -> None:
    """Draw modulus and phase of every probe mode, with its share of the energy; dark phases fade out.

    Args:
        path: PNG file.
        probe: Modes, main mode first, shape (P, N, N) or (N, N).
        pixel_size_m: Side of a pixel in metres, or None.
    """
    modes = probe[None] if probe.ndim == 2 else probe
    share = np.sum(np.abs(modes) ** 2, axis=(1, 2))
    share = share / max(float(share.sum()), 1e-300)
    figure, grid = open_figure(2, len(modes), 2.0, 2.0, TICKED)
    extent = Extent((-(probe.shape[-1] // 2),) * 2, pixel_size_m)
    for column, mode in enumerate(modes):
        modulus = np.abs(mode)
        brightest = max(float(modulus.max()), 1e-12)
        show(
            grid[0, column],
            modulus,
            title=f"mode {column + 1}: {100 * share[column]:.1f} %" if len(modes) > 1 else "probe",
            quantity="modulus",
            limits=(0.0, brightest),
            colours="magma",
            extent=extent,
        )
        seen = np.where(modulus > 0.02 * brightest, np.angle(mode), np.nan)
        show(
            grid[1, column],
            seen,
            title="phase",
            quantity="rad",
            limits=(-np.pi, np.pi),
            colours=CYCLIC,
            extent=extent,
        )
        grid[1, column].image.opacity = modulus / (0.15 * brightest)
    write(figure, path)
