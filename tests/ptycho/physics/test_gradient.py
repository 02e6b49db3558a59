"""The hand-made gradient of the likelihood against finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho.physics.arrays import ShapeError
from ptycho.physics.fourier import far_field_amplitude
from ptycho.physics.gradient import likelihood_slope
from ptycho.physics.noise import poisson_nll


@pytest.fixture
def case(rng, waves):
    """Give two patches, two modes, counts of other patches, and a mask with a bad corner."""
    patches, probe = waves(0, 2, 6, 6), waves(1, 2, 6, 6)
    counts = rng.poisson(4.0 * far_field_amplitude(waves(2, 2, 6, 6), probe) ** 2)
    mask = np.ones((6, 6), bool)
    mask[:2, :2] = False
    return patches, probe, counts, mask


def misfit(patches, probe, counts, mask):
    """Evaluate the likelihood through the forward model alone."""
    return poisson_nll((2.0 * far_field_amplitude(patches, probe)) ** 2, counts, mask=mask)


def test_misfit_is_that_of_the_forward_model(case):
    """The slope's own misfit is the one that the forward model and the likelihood give."""
    patches, probe, counts, mask = case
    slope = likelihood_slope(patches, probe, counts, intensity_scale=2.0, mask=mask)
    assert slope.misfit == pytest.approx(misfit(patches, probe, counts, mask), rel=1e-12)


@pytest.mark.parametrize("which", ["patches", "probe"])
def test_gradient_matches_finite_differences(case, which, waves):
    """Along random complex directions, Re <gradient, step> is the change of the misfit."""
    patches, probe, counts, mask = case
    slope = likelihood_slope(patches, probe, counts, intensity_scale=2.0, mask=mask)
    gradient = getattr(slope, which)
    for seed in range(5):
        step = 1e-5 * waves(10 + seed, *gradient.shape)
        moved = [
            misfit(
                patches + sign * step * (which == "patches"),
                probe + sign * step * (which == "probe"),
                counts,
                mask,
            )
            for sign in (1, -1)
        ]
        expected = np.vdot(gradient, step).real
        assert (moved[0] - moved[1]) / 2 == pytest.approx(expected, rel=1e-5, abs=1e-12)


def test_gradient_vanishes_at_the_truth(waves):
    """With exact rates as counts, no direction improves but for the eps under the logarithm."""
    patches, probe = waves(0, 2, 6, 6), waves(1, 1, 6, 6)
    counts = (100 * far_field_amplitude(patches, probe)) ** 2
    slope = likelihood_slope(patches, probe, counts, intensity_scale=100.0)
    other = likelihood_slope(1.01 * patches, probe, counts, intensity_scale=100.0)
    assert np.abs(slope.patches).max() < 1e-3 * np.abs(other.patches).max()


def test_frames_of_another_number_are_refused(case):
    """One frame belongs to each patch."""
    patches, probe, counts, _ = case
    with pytest.raises(ShapeError) as caught:
        likelihood_slope(patches[:1], probe, counts)
    assert str(caught.value) == (
        "counts has shape (2, 6, 6)\n  expected  (1, 6, 6)\n  try       one frame for each patch"
    )
