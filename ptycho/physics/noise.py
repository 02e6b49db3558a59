"""Photon statistics: what is drawn, how likely it is, and in which direction it improves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho.physics.arrays import Mask, Real

POISSON_EPS = 1e-3
"""Counts added under the logarithm of the likelihood, on every backend.

It keeps the logarithm finite in dark pixels and moves the best rate from n to n - eps, a thousandth of
a photon.
"""


# Under the logarithm of the chance alone: the rate 0 then has all its chance at no count, and no NaN.
_DARK = 1e-300

_BRIGHT_COUNTS = 40
"""Counts from which the noise of an amplitude is 1/4 to within 2 %, and twice which none of 40 reaches."""


def sample_counts(expected: Real, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw photon counts whose mean and variance are the expected counts.

    Args:
        expected: Mean counts of each pixel, any shape, not negative.
        rng: The one source of randomness.

    Raises:
        ValueError: An expected count is negative, NaN, or beyond what an int64 holds.
    """
    return rng.poisson(expected)


def amplitude_of(counts: NDArray[Any]) -> Real:
    """Take the square root of counts in floating point, never in the counter's own integers.

    Args:
        counts: Detector counts of any integer or float type.

    Returns:
        Amplitudes in sqrt(counts): float64 for 32-bit and wider integers and for float64, else float32.
    """
    wide = counts.dtype.itemsize > (2 if counts.dtype.kind in "iub" else 4)
    amplitude: Real = np.sqrt(counts, dtype=np.float64 if wide else np.float32)
    return amplitude


def counts_of(amplitude: NDArray[Any]) -> Real:
    """Square amplitudes in floating point: small integer types would overflow without a word."""
    wide = amplitude.dtype.itemsize > (2 if amplitude.dtype.kind in "iub" else 4)
    counts: Real = np.square(amplitude, dtype=np.float64 if wide else np.float32)
    return counts


def amplitude_noise(rate: NDArray[Any]) -> Real:
    """Average the squared difference of the root of a Poisson count and the root of its mean.

    1/4 where the rate is high; up to .46 near one photon, and twice the rate below it, where most pixels
    count nothing.

    Args:
        rate: Expected counts, any shape.

    Returns:
        Mean squared amplitude error in counts, same shape.
    """
    expected = np.asarray(rate, np.float64)
    noise = np.full(expected.shape, 0.25)
    dim = expected < _BRIGHT_COUNTS
    mean = expected[dim]
    counts = np.arange(2 * _BRIGHT_COUNTS)[:, None]
    # exp(n log rate - rate - log n!): powers and factorials overflow, their logarithms do not.
    log_factorial = np.cumsum(np.log(np.maximum(counts, 1)), axis=0)
    chance = np.exp(counts * np.log(np.maximum(mean, _DARK)) - mean - log_factorial)
    # E[(sqrt(n) - sqrt(r))²] = 2 r - 2 sqrt(r) E[sqrt(n)], for the mean of n is r.
    noise[dim] = 2 * mean - 2 * np.sqrt(mean) * np.sum(chance * np.sqrt(counts), axis=0)
    return noise


def amplitude_variance(rate: NDArray[Any], spread: NDArray[Any] | float = 0.0) -> Real:
    """Give the variance of the root of a Poisson count: the misfit that is left of the best amplitude.

    1/4 where the rate is high, the rate itself where most pixels count nothing. It is less than
    :func:`amplitude_noise` below a few photons, where the mean root lies below the root of the mean: what is
    fitted to roots is fitted to their mean.

    Args:
        rate: Expected counts, any shape.
        spread: Standard deviation of the rate from frame to frame, broadcast against it: the variance bends
            with the rate, and that of the mean rate is up to a fifth too large. Two rates stand for all.

    Returns:
        Variance in counts, same shape.
    """
    expected = np.asarray(rate, np.float64)
    apart = np.minimum(spread, expected)
    return (_variance(expected - apart) + _variance(expected + apart)) / 2


def _variance(rate: Real) -> Real:
    noise = amplitude_noise(rate)
    # noise = 2 rate - 2 sqrt(rate) mean, so that the mean root follows from it.
    mean = np.divide(2 * rate - noise, 2 * np.sqrt(rate), out=np.zeros_like(rate), where=rate > 0)
    variance: Real = np.where(rate < _BRIGHT_COUNTS, rate - mean**2, 0.25)
    return variance


def poisson_nll(
    rate: Real, counts: NDArray[Any], *, mask: Mask | None = None, eps: float = POISSON_EPS
) -> float:
    """Average the Poisson misfit over the pixels and divide it by the mean count.

    mean(rate - n log(rate + eps)) / mean(n), without the constant log n!. The division makes the
    misfit of a picture independent of the dose, up to the logarithm's own constant.

    Args:
        rate: Expected counts, any shape.
        counts: Measured counts n, same shape.
        mask: True where a pixel is good; bad pixels take no part. Broadcast against the counts.
        eps: Counts added under the logarithm.

    Raises:
        ValueError: No pixel is good.

    Source:
        Thibault and Guizar-Sicairos, New J. Phys. 14, 063004 (2012), equation 6.
    """
    good = _good(counts, mask)
    n = np.asarray(counts, dtype=np.float64)
    # Double precision: two pictures differ by about 1 in sums of the order of n log n.
    misfit = rate - n * np.log(rate + eps)
    return float(misfit[good].mean() / _mean_count(n[good], eps))


def poisson_slope(
    rate: Real, counts: NDArray[Any], *, mask: Mask | None = None, eps: float = POISSON_EPS
) -> Real:
    """Differentiate :func:`poisson_nll` with respect to every rate; bad pixels have none."""
    good = _good(counts, mask)
    n = np.asarray(counts, dtype=np.float64)
    slope: Real = np.where(good, 1.0 - n / (rate + eps), 0.0)
    return slope / (np.count_nonzero(good) * _mean_count(n[good], eps))


def _good(counts: NDArray[Any], mask: Mask | None) -> Mask:
    good = np.broadcast_to(np.True_ if mask is None else mask, counts.shape)
    if not good.any():
        raise ValueError(
            "the mask leaves no pixel to compare\n"
            "  expected  True at good pixels, at least at one\n"
            "  try       ~mask, if True marks the bad ones"
        )
    return good


def _mean_count(n: Real, eps: float) -> float:
    # An empty frame has no dose to divide by.
    return max(float(n.mean()), eps)
