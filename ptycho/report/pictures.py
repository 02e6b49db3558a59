"""The pictures that a run leaves behind: plain arrays in, one PNG file out, whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ptycho.metrics.align import phase_slope
from ptycho.report.curves import save_frc, save_loss, save_positions
from ptycho.report.figure import (
    Extent,
    limits_of,
    new_figure,
    show,
    symmetric_limit,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from ptycho.physics.arrays import Complex, Mask, Real

__all__ = [
    "save_amplitude",
    "save_comparison",
    "save_diffraction",
    "save_frc",
    "save_loss",
    "save_object",
    "save_phase",
    "save_positions",
    "save_probe",
]

SHOWN_FRACTION = 0.05
"""Coverage, as a fraction of the largest, below which a pixel is left blank."""

_AMPLITUDE, _CYCLIC, _DIVERGING, _LOG = "gray", "twilight_shifted", "RdBu_r", "inferno"
_WRAPS = 0.9 * np.pi
"""Largest phase in rad that is drawn on a symmetric range; beyond it the colours run in a circle."""


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
    figure = new_figure(9.2, 0.75 + 3.35 * part.aspect)
    left, right = figure.subplots(1, 2)
    _show_amplitude(left, part)
    _show_phase_of(right, part, flatten=flatten)
    write(figure, path)


def save_amplitude(path: Path, picture: Complex, *, coverage: Real | None = None) -> None:
    """Draw the amplitude of an object; what was not scanned stays blank.

    Args:
        path: PNG file.
        picture: Complex transmission, shape (H, W).
        coverage: Summed weights, shape (H, W); None shows every pixel.
    """
    part = _covered(picture, coverage)
    figure = new_figure(4.8, 0.75 + 3.35 * part.aspect)
    _show_amplitude(figure.subplots(), part)
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
    figure = new_figure(4.8, 0.75 + 3.35 * part.aspect)
    _show_phase_of(figure.subplots(), part, flatten=flatten)
    write(figure, path)


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
    figure = new_figure(3.3 * len(modes) + 0.3, 5.6)
    grid = figure.subplots(2, len(modes), squeeze=False)
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
            colours=_CYCLIC,
            extent=extent,
        )
        grid[1, column].images[0].set_alpha(np.clip(modulus / (0.15 * brightest), 0.0, 1.0))
    write(figure, path)


def save_diffraction(
    path: Path,
    measured: Real,
    predicted: Real,
    *,
    frame_indices: Sequence[int] | NDArray[np.int64] | None = None,
    mask: Mask | None = None,
) -> None:
    """Draw measured and predicted counts on one logarithmic scale, and their difference in sqrt(counts).

    Args:
        path: PNG file.
        measured: Measured amplitudes in sqrt(counts), shape (m, N, N) or (N, N).
        predicted: Predicted amplitudes in sqrt(counts), same shape.
        frame_indices: Which frames these are.
        mask: True at good pixels, shape (N, N); bad ones stay blank.
    """
    ours, theirs = (a[None] if a.ndim == 2 else a for a in (measured, predicted))
    names = list(range(len(ours))) if frame_indices is None else [int(index) for index in frame_indices]
    figure = new_figure(9.6, 2.75 * len(ours) + 0.2)
    grid = figure.subplots(len(ours), 3, squeeze=False)
    for row, name in zip(range(len(ours)), names, strict=True):
        good = np.ones(ours[row].shape, dtype=bool) if mask is None else mask
        pair = [np.where(good, _log_counts(a[row]), np.nan) for a in (ours, theirs)]
        ends = (0.0, max(limits_of(pair[0], (0.0, 99.99))[1], 0.5))
        for axes, image, title in zip(
            grid[row], pair, (f"frame {name}: measured", "predicted"), strict=False
        ):
            show(axes, image, title=title, quantity="log₁₀(counts + 1)", limits=ends, colours=_LOG)
        gap = np.where(good, theirs[row] - ours[row], np.nan)
        most = symmetric_limit(gap, 99.9)
        show(
            grid[row, 2],
            gap,
            title="predicted - measured",
            quantity="√counts",
            limits=(-most, most),
            colours=_DIVERGING,
        )
    write(figure, path)


def save_comparison(
    path: Path,
    reconstruction: Complex,
    reference: Complex,
    *,
    mask: Mask | None = None,
    origin_px: tuple[float, float] = (0.0, 0.0),
    pixel_size_m: float | None = None,
    reference_name: str = "truth",
) -> None:
    """Draw an aligned reconstruction, its reference and the difference, on the scales of the reference.

    Args:
        path: PNG file.
        reconstruction: Complex picture that :func:`ptycho.metrics.align.align` has aligned, shape (H, W).
        reference: Complex picture of the same shape.
        mask: True where both are known; the rest stays blank.
        origin_px: [x, y] of pixel [0, 0].
        pixel_size_m: Side of a pixel in metres, or None.
        reference_name: "truth" or "reference".
    """
    known = np.ones(reference.shape, dtype=bool) if mask is None else mask
    extent = Extent(origin_px, pixel_size_m)
    moduli = [np.where(known, np.abs(picture), np.nan) for picture in (reconstruction, reference)]
    angle = flat_phase(reference, known)
    turn = np.angle(reconstruction * reference.conj())
    phases = [np.where(known, part, np.nan) for part in (_wrapped(angle + turn), angle)]
    gaps = [moduli[0] - moduli[1], np.where(known, turn, np.nan)]
    figure = new_figure(12.4, 1.3 + 6.1 * reference.shape[0] / reference.shape[1])
    grid = figure.subplots(2, 3)
    for column, title in enumerate(("reconstruction", reference_name)):
        show(
            grid[0, column],
            moduli[column],
            title=f"amplitude, {title}",
            quantity="transmission",
            limits=limits_of(moduli[1]),
            colours=_AMPLITUDE,
            extent=extent,
        )
        _show_phase(grid[1, column], phases[column], phases[1], title=f"phase, {title}", extent=extent)
    for row, (gap, quantity) in enumerate(zip(gaps, ("transmission", "rad"), strict=True)):
        most = symmetric_limit(gap)
        show(
            grid[row, 2],
            gap,
            title="difference",
            quantity=quantity,
            limits=(-most, most),
            colours=_DIVERGING,
            extent=extent,
        )
    write(figure, path)


def flat_phase(picture: Complex, mask: Mask, *, ramp: bool = True) -> Real:
    """Give the phase in rad around its mean over a mask, and without its mean slope if asked."""
    if ramp:
        slope = phase_slope(picture, mask)
        y, x = np.indices(picture.shape)
        picture = picture * np.exp(-1j * (slope[0] * x + slope[1] * y))
    flat: Real = np.angle(picture * np.exp(-1j * np.angle(picture[mask].sum())))
    return flat


def _wrapped(phase: Real) -> Real:
    wrapped: Real = np.angle(np.exp(1j * phase))
    return wrapped


def _show_phase(axes: Axes, phase: Real, judged: Real, *, title: str, extent: Extent) -> None:
    """Draw a phase on a symmetric range, or on the whole circle with cyclic colours when it fills that."""
    most = symmetric_limit(judged)
    wraps = most > _WRAPS
    show(
        axes,
        phase,
        title=title,
        quantity="rad",
        limits=(-np.pi, np.pi) if wraps else (-most, most),
        colours=_CYCLIC if wraps else _DIVERGING,
        extent=extent,
    )


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


def _show_amplitude(axes: Axes, part: _Part) -> None:
    amplitude = np.where(part.shown, np.abs(part.picture), np.nan)
    show(
        axes,
        amplitude,
        title="amplitude",
        quantity="transmission",
        limits=limits_of(amplitude[part.certain]),
        colours=_AMPLITUDE,
        extent=part.extent,
    )


def _show_phase_of(axes: Axes, part: _Part, *, flatten: bool) -> None:
    phase = np.where(part.shown, flat_phase(part.picture, part.certain, ramp=flatten), np.nan)
    _show_phase(axes, phase, phase[part.certain], title="phase", extent=part.extent)


def _shown(coverage: Real) -> Mask:
    shown: Mask = coverage > SHOWN_FRACTION * np.max(coverage)
    return shown if shown.any() else np.ones(coverage.shape, dtype=bool)


def _bounding_box(mask: Mask) -> tuple[slice, slice]:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _log_counts(amplitude: Real) -> Real:
    counts: Real = np.log10(np.square(amplitude, dtype=np.float64) + 1.0)
    return counts
