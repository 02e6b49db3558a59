"""Photon statistics: draws, likelihood and slope; integers that overflow are taken care of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ptycho.physics.noise import (
    POISSON_EPS,
    amplitude_noise,
    amplitude_of,
    counts_of,
    poisson_nll,
    poisson_slope,
    sample_counts,
)


def test_drawn_counts_have_mean_and_variance_of_the_rate(rng):
    """The two moments of a Poisson variable are its rate."""
    counts = sample_counts(np.full(200_000, 7.5), rng)
    assert counts.mean() == pytest.approx(7.5, abs=0.03)
    assert counts.var() == pytest.approx(7.5, abs=0.12)


def test_draws_come_from_the_generator_alone():
    """Same generator, same counts; numpy's global state plays no part."""
    expected = np.full(50, 3.0)
    np.random.seed(1)  # noqa: NPY002  # The global state must not matter: here it is set on purpose.
    first = sample_counts(expected, np.random.default_rng(5))
    np.random.seed(2)  # noqa: NPY002  # See above.
    np.testing.assert_array_equal(first, sample_counts(expected, np.random.default_rng(5)))


@pytest.mark.parametrize(
    "dtype", [np.uint8, np.uint16, np.uint32, np.int16, np.int64, np.float32, np.float64]
)
def test_counts_survive_root_and_square(dtype):
    """Every counter type goes to amplitudes and back without overflow."""
    top = 255 if dtype == np.uint8 else 30_000
    counts = np.array([0, 1, 200, top], dtype=dtype)
    amplitude = amplitude_of(counts)
    assert amplitude.dtype in (np.float32, np.float64)
    np.testing.assert_allclose(counts_of(amplitude), counts.astype(float), rtol=1e-6)


def test_squares_of_small_integers_do_not_overflow():
    """300² is 90000 for uint16 amplitudes, where the integers' own square would be 24464."""
    np.testing.assert_array_equal(counts_of(np.array([300], np.uint16)), [90_000.0])
    np.testing.assert_array_equal(counts_of(np.array([16], np.uint8)), [256.0])


def test_wide_integers_keep_double_precision():
    """uint32 counts near their limit come back to the count."""
    counts = np.array([4_294_967_295], np.uint32)
    np.testing.assert_allclose(counts_of(amplitude_of(counts)), counts, rtol=1e-15)


def test_likelihood_follows_the_written_formula(rng):
    """mean(rate - n log(rate + eps)) / mean(n)."""
    rate, counts = rng.uniform(0, 9, (3, 4, 4)), rng.poisson(4.0, (3, 4, 4))
    expected = np.mean(rate - counts * np.log(rate + POISSON_EPS)) / counts.mean()
    assert poisson_nll(rate, counts) == pytest.approx(expected, rel=1e-12)


@given(n=st.integers(0, 10_000), factor=st.floats(0.2, 5.0))
def test_the_measured_rate_is_the_most_likely(n, factor):
    """No other rate beats rate = n - eps; for an empty pixel none beats 0."""
    best = np.array([max(n - POISSON_EPS, 0.0)])
    counts = np.array([n])
    assert poisson_nll(best, counts) <= poisson_nll(best * factor + 1e-9, counts) + 1e-12


@given(seed=st.integers(0, 1000), dose=st.sampled_from([1e3, 1e5, 1e7]))
def test_differences_do_not_depend_on_the_dose(seed, dose):
    """Between two pictures the misfit differs by the same amount at any dose."""
    rng = np.random.default_rng(seed)
    truth, a, b = rng.uniform(1.0, 2.0, (3, 50))
    small = poisson_nll(1e3 * a, 1e3 * truth) - poisson_nll(1e3 * b, 1e3 * truth)
    large = poisson_nll(dose * a, dose * truth) - poisson_nll(dose * b, dose * truth)
    assert large == pytest.approx(small, abs=1e-5)


def test_photons_take_effect():
    """The same pictures at another dose have another misfit: the scale is not lost on the way."""
    rate = np.array([1.0, 2.0])
    assert poisson_nll(rate, rate) != pytest.approx(poisson_nll(100 * rate, 100 * rate), abs=0.1)


@given(
    rate=hnp.arrays(float, 6, elements=st.floats(0.01, 50)),
    counts=hnp.arrays(int, 6, elements=st.integers(0, 60)),
)
def test_slope_matches_finite_differences(rate, counts):
    """The slope is the derivative in every pixel, masked ones included."""
    mask = np.array([True, True, False, True, True, True])
    slope = poisson_slope(rate, counts, mask=mask)
    for pixel in range(6):
        step = np.zeros(6)
        step[pixel] = 1e-5 * rate[pixel]
        up, down = (poisson_nll(rate + sign * step, counts, mask=mask) for sign in (1, -1))
        measured = (up - down) / (2 * step[pixel])
        scale = max(1.0, abs(up)) * 1e-9 / step[pixel]
        np.testing.assert_allclose(slope[pixel], measured, rtol=1e-4, atol=scale)


def test_bad_pixels_take_no_part():
    """NaN under the mask neither enters the misfit nor its slope."""
    rate, counts = np.array([2.0, np.nan, 3.0]), np.array([2.0, np.nan, 4.0])
    good = np.array([True, False, True])
    assert poisson_nll(rate, counts, mask=good) == pytest.approx(poisson_nll(rate[good], counts[good]))
    assert poisson_slope(rate, counts, mask=good)[1] == 0.0


def test_an_unmasked_nan_is_not_hidden():
    """NaN in a good pixel shows in the misfit; nothing averages it away."""
    assert np.isnan(poisson_nll(np.array([1.0, np.nan]), np.array([1.0, 1.0])))


def test_empty_frames_have_a_finite_misfit():
    """Without a count the misfit is the rate over eps, not a division by zero."""
    assert poisson_nll(np.array([1e-3]), np.array([0])) == pytest.approx(1.0)


def test_mask_without_good_pixels_is_refused():
    """Nothing to compare is an error, not NaN."""
    with pytest.raises(ValueError, match="mask leaves no pixel") as caught:
        poisson_nll(np.ones(3), np.ones(3), mask=np.zeros(3, bool))
    assert str(caught.value) == (
        "the mask leaves no pixel to compare\n"
        "  expected  True at good pixels, at least at one\n"
        "  try       ~mask, if True marks the bad ones"
    )


@pytest.mark.parametrize("rate", [0.01, 0.3, 1.0, 7.0, 30.0, 300.0])
def test_amplitude_noise_is_that_of_drawn_counts(rng, rate):
    """The mean squared difference of roots is what draws show: twice a low rate, 1/4 for a high one."""
    drawn = np.sqrt(rng.poisson(rate, 400_000)) - np.sqrt(rate)
    assert amplitude_noise(np.array(rate)) == pytest.approx(np.mean(drawn**2), rel=0.03)
