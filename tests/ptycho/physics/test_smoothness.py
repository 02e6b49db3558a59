"""Total variation, weighed by noise: its operators, its minimum, and what it leaves alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.physics import numpy_operations as ops
from ptycho.physics.smoothness import divergence, slopes, smoothed, without_noise

SEEDS = st.integers(0, 2**32 - 1)


def complex_noise(rng, *shape):
    """Draw complex numbers."""
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


def cost(u, picture, weight, limit):
    """Give what is to be minimised."""
    variation = np.sqrt((np.abs(slopes(ops, u)) ** 2).sum(axis=0))
    return float((weight * np.abs(u - picture) ** 2).sum() / 2 + (limit * variation).sum())


@given(SEEDS)
def test_divergence_is_minus_the_adjoint(seed):
    """<slopes u, f> = -<u, div f> for any picture and field."""
    rng = np.random.default_rng(seed)
    u, field = complex_noise(rng, 6, 9), complex_noise(rng, 2, 6, 9)
    left, right = np.vdot(slopes(ops, u), field), -np.vdot(u, divergence(ops, field))
    assert left == pytest.approx(right, abs=1e-3)


@given(SEEDS)
def test_nothing_near_it_costs_less(seed):
    """The smoothed picture is the minimum: any other one costs more, within what the steps have reached."""
    rng = np.random.default_rng(seed)
    picture = complex_noise(rng, 8, 8)
    weight = rng.uniform(0.5, 2.0, (8, 8)).astype(np.float32)
    limit = rng.uniform(0.1, 1.0, (8, 8)).astype(np.float32)
    best = smoothed(ops, picture, weight, limit, 400)
    least = cost(best, picture, weight, limit)
    for size in (1e-3, 1e-2, 0.1, 1.0):
        other = best + size * complex_noise(rng, 8, 8)
        assert cost(other, picture, weight, limit) >= least * (1 - 1e-4)


def test_a_flat_picture_stays_and_the_mean_of_noise_does():
    """A constant is a fixed point; under equal weights smoothing moves no light."""
    flat = np.full((9, 12), 0.7 - 0.2j, np.complex64)
    ones = np.ones((9, 12), np.float32)
    np.testing.assert_allclose(smoothed(ops, flat, ones, ones, 9), flat, atol=1e-6)
    noisy = flat + complex_noise(np.random.default_rng(0), 9, 12)
    assert smoothed(ops, noisy, ones, ones, 9).mean() == pytest.approx(noisy.mean(), abs=1e-5)


def test_noise_goes_and_a_high_edge_keeps_its_height(rng):
    """Noise on both sides of a step of 20 deviations falls to a half and less, the step by a twentieth."""
    deviation = 0.05
    step = np.where(np.arange(32) < 16, 0.0, 1.0)[None] * np.ones((32, 1))
    noisy = (step + deviation / np.sqrt(2) * complex_noise(rng, 32, 32)).astype(np.complex64)
    weight = np.full((32, 32), deviation**-2, np.float32)
    calm = without_noise(ops, noisy, weight, deviation, 1.0)
    assert np.linalg.norm(calm - step) < 0.5 * np.linalg.norm(noisy - step)
    height = calm[:, 18:].mean() - calm[:, :14].mean()
    assert height.real == pytest.approx(1.0, abs=0.05)


def test_lines_little_above_the_noise_keep_their_height(rng):
    """Of lines three deviations high, seven tenths stay where noise falls to a half."""
    deviation = 0.05
    lines = np.where(np.arange(48) % 8 < 2, 3 * deviation, 0.0)[None] * np.ones((48, 1))
    noisy = (lines + deviation / np.sqrt(2) * complex_noise(rng, 48, 48)).astype(np.complex64)
    calm = without_noise(ops, noisy, np.full((48, 48), deviation**-2, np.float32), deviation, 1.0)
    height = calm[:, lines[0] > 0].mean() - calm[:, lines[0] == 0].mean()
    assert height.real > 0.7 * 3 * deviation
    assert np.linalg.norm((calm - lines).imag) < 0.5 * np.linalg.norm((noisy - lines).imag)
