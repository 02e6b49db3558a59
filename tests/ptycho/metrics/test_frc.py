"""Ring correlation: 1 for the same, 0 for strangers, signed, with the stated threshold and crossing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from ptycho.metrics.align import align
from ptycho.metrics.frc import frc, half_bit_threshold, largest_rectangle
from ptycho.physics.arrays import ShapeError


def test_the_same_picture_correlates_everywhere(rng):
    """Curve 1 in every ring, and no crossing up to Nyquist."""
    picture = rng.standard_normal((64, 80))
    curve = frc(picture, 3.0 * picture)
    np.testing.assert_allclose(curve.curve, 1.0, atol=1e-12)
    assert curve.crossing == 0.5
    assert curve.resolution_px == 1.0


def test_the_negative_correlates_negatively(rng):
    """The sign is kept: a picture against its negative is -1, and crosses at once."""
    picture = rng.standard_normal((64, 64))
    curve = frc(picture, -picture)
    np.testing.assert_allclose(curve.curve, -1.0, atol=1e-12)
    assert curve.crossing == 0.0
    assert curve.resolution_px == np.inf


def test_strangers_do_not_correlate(rng):
    """Independent noise scatters around zero, with both signs."""
    curve = frc(rng.standard_normal((256, 256)), rng.standard_normal((256, 256)))
    assert abs(curve.curve[20:].mean()) < 0.02
    assert (curve.curve < 0).any()


@pytest.mark.parametrize("cutoff", [0.1, 0.2, 0.3])
def test_crossing_finds_the_band_limit(rng, cutoff):
    """Two noisy copies that share frequencies up to a cutoff cross there."""
    n = 256
    radius = np.hypot(np.fft.fftfreq(n)[:, None], np.fft.fftfreq(n)[None, :])
    shared = np.fft.ifft2(np.fft.fft2(rng.standard_normal((n, n))) * (radius < cutoff)).real
    a, b = (shared + 0.25 * rng.standard_normal((n, n)) for _ in range(2))
    assert frc(a, b).crossing == pytest.approx(cutoff, abs=0.01)
    assert frc(a, shared, against="truth").crossing == pytest.approx(cutoff, abs=0.01)


def test_half_bit_threshold_is_the_stated_formula():
    """(0.2071 + 1.9102/sqrt(n)) / (1.2071 + 0.9102/sqrt(n)); 1 for a single pixel, 0.1716 for many."""
    n = np.array([1, 100, 10**12])
    np.testing.assert_allclose(half_bit_threshold(n), [1.0, 0.3981 / 1.29812, 0.17157], rtol=1e-4)


def test_truth_threshold_is_one_half(rng):
    """Against a truth, one half of the correlation marks the end."""
    curve = frc(rng.standard_normal((32, 32)), rng.standard_normal((32, 32)), against="truth")
    np.testing.assert_array_equal(curve.threshold, 0.5)


def test_frequencies_are_cycles_per_pixel(rng):
    """Rings run from one period across the shorter side to Nyquist, and hold all pixels within it."""
    curve = frc(rng.standard_normal((40, 60)), rng.standard_normal((40, 60)))
    np.testing.assert_allclose(curve.frequency, np.arange(1, 21) / 40)
    assert curve.pixels.sum() == pytest.approx(np.pi * 0.5**2 * 40 * 60, rel=0.1)


def test_metres_follow_the_pixel_size(rng):
    """Half a period at the crossing, in metres when the pixel is known."""
    picture = rng.standard_normal((32, 32))
    assert frc(picture, picture, pixel_size_m=8e-9).resolution_m == pytest.approx(8e-9)
    assert frc(picture, picture).resolution_m is None


def test_offsets_do_not_raise_the_curve(rng):
    """A common mean leaks into no ring: strangers on a pedestal stay strangers."""
    a, b = (100 + rng.standard_normal((128, 128)) for _ in range(2))
    assert abs(frc(a, b).curve[:10].mean()) < 0.4


def test_complex_pictures_correlate(scene):
    """Complex objects are compared as they are, phases included."""
    truth = scene(64, 64)
    np.testing.assert_allclose(frc(truth, truth).curve, 1.0, atol=1e-12)
    assert frc(truth, truth.conj()).curve[3:10].mean() < 0.9


def test_halves_of_the_real_scan_cross_at_a_quarter(halves, middle):
    """Even and odd frames of the Siemens star fall below half a bit at about 0.255 cycles/px.

    Source:
        README of the shared data: the figures of the split-half reference.
    """
    aligned = align(*halves, middle)
    crossing = frc(aligned.reconstruction, aligned.reference, mask=aligned.mask).crossing
    assert crossing == pytest.approx(0.255, abs=0.006)


@given(
    mask=st.integers(1, 7).flatmap(
        lambda width: st.lists(
            st.lists(st.booleans(), min_size=width, max_size=width), min_size=1, max_size=7
        )
    )
)
def test_largest_rectangle_is_the_largest(mask):
    """No other rectangle of True pixels has a larger area; trying all of them says so."""
    mask = np.array(mask)
    rows, columns = largest_rectangle(mask)
    assert mask[rows, columns].all()
    height, width = mask.shape
    areas = [
        (r1 - r0) * (c1 - c0)
        for r0 in range(height)
        for r1 in range(r0 + 1, height + 1)
        for c0 in range(width)
        for c1 in range(c0 + 1, width + 1)
        if mask[r0:r1, c0:c1].all()
    ]
    assert mask[rows, columns].size == max(areas, default=0)


def test_unscanned_pixels_take_no_part(rng):
    """Zeros that both pictures share around the scan do not enter the rings."""
    a, b = rng.standard_normal((2, 120, 120))
    mask = np.zeros((120, 120), bool)
    mask[30:90, 20:100] = True
    inside = frc(a[30:90, 20:100], b[30:90, 20:100])
    np.testing.assert_array_equal(
        frc(np.where(mask, a, 9), np.where(mask, b, 9), mask=mask).curve, inside.curve
    )


def test_smoothing_one_half_does_not_fake_resolution(rng):
    """A blurred copy keeps its correlation where it has signal: FRC does not see linear filters."""
    picture = rng.standard_normal((128, 128))
    blurred = ndimage.gaussian_filter(picture, 0.7, mode="wrap")
    assert frc(picture, blurred).curve[:40].min() > 0.9


def test_small_pictures_have_no_rings():
    """Sixteen pixels on a side are the least."""
    with pytest.raises(ShapeError) as caught:
        frc(np.ones((8, 30)), np.ones((8, 30)))
    assert str(caught.value) == (
        "pictures of shape (8, 30) and (8, 30) have no ring correlation\n"
        "  expected  one shape (H, W), both sides 16 or more\n"
        "  try       ptycho.metrics.align.align first, or a larger scanned area"
    )


def test_nan_has_no_rings(rng):
    """One NaN would fill every ring: it is an error."""
    picture = rng.standard_normal((32, 32))
    picture[4, 4] = np.nan
    with pytest.raises(ValueError, match="NaN") as caught:
        frc(picture, picture)
    assert str(caught.value) == (
        "a picture holds values that are NaN or infinite\n"
        "  expected  finite numbers\n"
        "  try       looking at the training loss: did it diverge?"
    )


def test_holes_leave_the_resolution() -> None:
    """An area full of holes gives the crossing of the whole picture; noise alone correlates nowhere."""
    rng = np.random.default_rng(0)
    truth = ndimage.gaussian_filter(rng.standard_normal((160, 160)), 1.0)
    noise = [0.5 * truth.std() * rng.standard_normal(truth.shape) for _ in range(2)]
    ground = ndimage.gaussian_filter(rng.standard_normal(truth.shape), 6.0)
    mask = ground > np.quantile(ground, 0.4)
    halves = [np.where(mask, truth + part, np.nan) for part in noise]
    assert abs(frc(*halves, mask=mask).crossing - frc(truth + noise[0], truth + noise[1]).crossing) < 0.04
    assert frc(*noise, mask=mask).crossing < 0.05
