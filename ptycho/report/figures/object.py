"""Pictures of an object: amplitude and phase; what was not scanned stays blank."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ptycho.report.figures.figure import (
    AMPLITUDE,
    TICKED,
    Extent,
    limits_of,
    open_figure,
    show,
    sides,
    write,
)
from ptycho.report.figures.phase import flat_phase, show_phase

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.physics.arrays import Complex, Mask, Real
    from ptycho.report.figures.panel import Panel

SHOWN_FRACTION = 0.05
"""Coverage, as a fraction of the largest, below which a pixel is left blank."""


def save_object(
    path: Path,
    picture: Complex,
    *,
    coverage: Real | None = None,
    origin_px: tuple[float, float] = (0.0, 0.0),
    pixel_size_m: float | None = None,
    flatten: bool = True,
) -> None:
    """Draw amplitude and phase of an object side by side; what was not scanned stays blank.

    Args:
        path: PNG file.
        picture: Complex transmission, shape (H, W).
        coverage: Summed weights, shape (H, W); None shows every pixel.
        origin_px: [x, y] of pixel [0, 0].
        pixel_size_m: Side of a pixel in metres; None labels the axes in pixels.
        flatten: Take off the phase ramp, which diffraction does not determine; the mean phase always goes.
    """
    part = _covered(picture, coverage, origin_px, pixel_size_m)
    figure, grid = open_figure(1, 2, *sides(part.aspect, 3.1), TICKED)
    _show_amplitude(grid[0, 0], part)
    _show_phase_of(grid[0, 1], part, flatten=flatten)
    write(figure, path)


def save_amplitude(path: Path, picture: Complex, *, coverage: Real | None = None) -> None:
    """Draw the amplitude of an object; what was not scanned stays blank.

    Args:
        path: PNG file.
        picture: Complex transmission, shape (H, W).
        coverage: Summed weights, shape (H, W); None shows every pixel.
    """
    part = _covered(picture, coverage)
    figure, grid = open_figure(1, 1, *sides(part.aspect, 3.1), TICKED)
    _show_amplitude(grid[0, 0], part)
    write(figure, path)


def save_phase(path: Path, picture: Complex, *, coverage: Real | None = None, flatten: bool = True) -> None:
    """Draw the phase of an object; what was not scanned stays blank.

    Args:
        path: PNG file.
        picture: Complex transmission, shape (H, W).
        coverage: Summed weights, shape (H, W); None shows every pixel.
        flatten: Take off the phase ramp, which diffraction does not determine; the mean phase always goes.
    """
    part = _covered(picture, coverage)
    figure, grid = open_figure(1, 1, *sides(part.aspect, 3.1), TICKED)
    _show_phase_of(grid[0, 0], part, flatten=flatten)
    write(figure, path)


class _Part(NamedTuple):
    """The part of a picture that was scanned: what is drawn, and what its scale is judged by."""

    picture: Complex
    shown: Mask
    certain: Mask
    extent: Extent

    @property
    def aspect(self) -> float:
        """Height for each unit of width."""
        height, width = self.picture.shape
        return float(height / width)


def _covered(
    picture: Complex,
    coverage: Real | None,
    origin_px: tuple[float, float] = (0.0, 0.0),
    pixel_size_m: float | None = None,
) -> _Part:
    shown = np.ones(picture.shape, dtype=bool) if coverage is None else _shown(coverage)
    box = _bounding_box(shown)
    shown = shown[box]
    certain = shown if coverage is None else shown & (coverage[box] >= 0.2 * coverage.max())
    corner = (origin_px[0] + box[1].start, origin_px[1] + box[0].start)
    return _Part(picture[box], shown, certain, Extent(corner, pixel_size_m))


def _show_amplitude(panel: Panel, part: _Part) -> None:
    amplitude = np.where(part.shown, np.abs(part.picture), np.nan)
    show(
        panel,
        amplitude,
        title="amplitude",
        quantity="transmission",
        limits=limits_of(amplitude[part.certain]),
        colours=AMPLITUDE,
        extent=part.extent,
    )


def _show_phase_of(panel: Panel, part: _Part, *, flatten: bool) -> None:
    phase = np.where(part.shown, flat_phase(part.picture, part.certain, ramp=flatten), np.nan)
    show_phase(panel, phase, phase[part.certain], title="phase", extent=part.extent)


def _shown(coverage: Real) -> Mask:
    shown: Mask = coverage > SHOWN_FRACTION * np.max(coverage)
    return shown if shown.any() else np.ones(coverage.shape, dtype=bool)


def _bounding_box(mask: Mask) -> tuple[slice, slice]:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
