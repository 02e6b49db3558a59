"""Numbers that say how far a reconstruction is from a reference, none of them flattering."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptycho.metrics.align import Aligned, align, phase_slope, twin

if TYPE_CHECKING:
    from ptycho.physics.arrays import Complex, Mask, Real

_SSIM_WINDOW = 7
_FLAT = 1e-9
"""Relative spread below which a picture counts as constant."""


@dataclass(frozen=True)
class Likeness:
    """Agreement of one real picture with another.

    Attributes:
        correlation: Pearson's r over the compared pixels; NaN when one of them is constant.
        mae: Mean absolute difference.
        rmse: Root mean square difference.
        psnr_db: Against the reference's own range.
        ssim: Structural similarity, with the reference's own range.
        data_range: Largest minus smallest value of the reference.
    """

    correlation: float
    mae: float
    rmse: float
    psnr_db: float
    ssim: float
    data_range: float


@dataclass(frozen=True)
class Scores:
    """Amplitude and phase against a reference, and what alignment took out.

    Attributes:
        amplitude: Agreement of the moduli.
        phase: Agreement of the phases in rad, on the wrapped difference.
        shift_px: [x, y] by which the reconstruction was moved.
        ramp_rad_per_px: Phase slope [x, y] that was taken off.
        scale: Modulus of the factor that was multiplied on.
        pixels: Compared pixels.
        twin_fits_better: Whether the conjugate picture turned by half a turn resembles the reference more.
        settled: Whether alignment came to rest.
    """

    amplitude: Likeness
    phase: Likeness
    shift_px: tuple[float, float]
    ramp_rad_per_px: tuple[float, float]
    scale: float
    pixels: int
    twin_fits_better: bool
    settled: bool

    def as_dict(self) -> dict[str, object]:
        """Give plain values, nested once, as JSON keeps them; a number that is not one becomes None."""
        values = asdict(self)
        for channel in ("amplitude", "phase"):
            for name, number in values[channel].items():
                values[channel][name] = number if math.isfinite(number) else None
        return {**values, "shift_px": list(self.shift_px), "ramp_rad_per_px": list(self.ramp_rad_per_px)}


_EXPLAINED = 0.01
"""Share of the contrast that a reconstruction may leave unexplained and still be no twin: aligning one takes
several times as long as aligning the picture, and only a symmetric object has one that fits as well."""


def score(reconstruction: Complex, reference: Complex, mask: Mask | None = None) -> Scores:
    """Align a reconstruction with a reference, then measure amplitude and phase.

    Args:
        reconstruction: Complex picture, shape (H, W).
        reference: Truth or reference, same shape.
        mask: True where the object was scanned; None is everywhere.

    Raises:
        ShapeError: The pictures differ in shape.
        ValueError: A value is NaN or infinite, or the mask leaves next to nothing.
    """
    aligned = align(reconstruction, reference, mask)
    better = twin_fits_better(reconstruction, reference, aligned, mask)
    return score_aligned(aligned, twin_fits_better=better)


def twin_fits_better(
    reconstruction: Complex, reference: Complex, aligned: Aligned, mask: Mask | None = None
) -> bool:
    """Tell whether the twin of a reconstruction aligns better with the reference than it does itself.

    Args:
        reconstruction: Complex picture, shape (H, W).
        reference: Truth or reference, same shape.
        aligned: What :func:`~ptycho.metrics.align.align` made of the two.
        mask: True where the object was scanned; None is everywhere.
    """
    if aligned.unexplained < _EXPLAINED:
        return False
    area = slice(aligned.corner_px[1], aligned.corner_px[1] + aligned.mask.shape[0])
    across = slice(aligned.corner_px[0], aligned.corner_px[0] + aligned.mask.shape[1])
    known = np.ones(aligned.mask.shape, dtype=bool) if mask is None else mask[area, across]
    turned = align(twin(reconstruction[area, across]), reference[area, across], known)
    return turned.likeness > aligned.likeness


def score_aligned(aligned: Aligned, *, twin_fits_better: bool = False) -> Scores:
    """Measure two pictures that are aligned already."""
    phase, reference_phase = phases(aligned)
    mask = aligned.mask
    return Scores(
        amplitude=compare(np.abs(aligned.reconstruction), np.abs(aligned.reference), mask),
        phase=compare(phase, reference_phase, mask),
        shift_px=aligned.shift_px,
        ramp_rad_per_px=aligned.ramp_rad_per_px,
        scale=abs(aligned.scale),
        pixels=int(np.count_nonzero(mask)),
        twin_fits_better=twin_fits_better,
        settled=aligned.settled,
    )


def phases(aligned: Aligned) -> tuple[Real, Real]:
    """Give both phases in rad so that they differ by the wrapped difference, and no wrap stands between them.

    The reference loses its own mean slope and mean phase, so that neither a ramp nor a wrap of the
    reference makes the two look alike.

    Returns:
        Phase of the reconstruction and of the reference, each of the aligned shape.
    """
    reference, mask = aligned.reference, aligned.mask
    slope = phase_slope(reference, mask)
    y, x = np.indices(reference.shape)
    flat = reference * np.exp(-1j * (slope[0] * x + slope[1] * y))
    flat = flat * np.exp(-1j * np.angle(flat[mask].sum()))
    reference_phase = np.angle(flat)
    difference = np.angle(aligned.reconstruction * reference.conj())
    return reference_phase + difference, reference_phase


def compare(picture: Real, truth: Real, mask: Mask) -> Likeness:
    """Measure a real picture against a truth; PSNR and SSIM against the truth's range, never 255 or 2 pi.

    Args:
        picture: Real picture, shape (H, W), at least 7 pixels on a side.
        truth: Truth of the same shape.
        mask: True at the pixels that count. SSIM counts those whose whole window lies in the mask, or
            all of the mask when it is too ragged for that.
    """
    p, t = picture[mask].astype(np.float64), truth[mask].astype(np.float64)
    error = p - t
    mse = float(np.mean(error**2))
    data_range = float(t.max() - t.min())
    return Likeness(
        correlation=_correlation(p, t),
        mae=float(np.mean(np.abs(error))),
        rmse=math.sqrt(mse),
        psnr_db=_psnr(p, t, data_range),
        ssim=_ssim(picture, truth, mask, data_range),
        data_range=data_range,
    )


def _correlation(p: Real, t: Real) -> float:
    # A constant that was interpolated varies by rounding alone.
    if any(values.std() <= _FLAT * np.abs(values).max() for values in (p, t)):
        return math.nan
    # Means come off first: E[pt] - E[p] E[t] cancels for pictures of small contrast.
    p, t = p - p.mean(), t - t.mean()
    return float(p @ t) / float(np.linalg.norm(p) * np.linalg.norm(t))


def _psnr(p: Real, t: Real, data_range: float) -> float:
    if np.array_equal(p, t):
        return math.inf
    if data_range == 0:
        return -math.inf
    error = float(np.mean(np.square(p - t, dtype=np.float64)))
    return 10 * math.log10(data_range**2 / error)


def _ssim(picture: Real, truth: Real, mask: Mask, data_range: float) -> float:
    from scipy.ndimage import binary_erosion
    from skimage.metrics import structural_similarity

    if data_range == 0 or min(mask.shape) < _SSIM_WINDOW:
        return math.nan
    # Windows that reach beyond the mask are left out below; zeros only keep NaN from spreading.
    filled = [np.where(mask, image, 0.0).astype(np.float64) for image in (picture, truth)]
    _, similarity = structural_similarity(  # type: ignore[no-untyped-call]
        *filled, win_size=_SSIM_WINDOW, data_range=data_range, full=True
    )
    inner = binary_erosion(mask, np.ones((_SSIM_WINDOW, _SSIM_WINDOW), dtype=bool))
    return float(similarity[inner if inner.any() else mask].mean())
