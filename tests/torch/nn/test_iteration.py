"""Iterations: they fit, they respect masks, and their building blocks obey their laws."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ptycho.physics import sweeps
from ptycho.physics.sweeps import Frames, Steps
from ptycho_torch.nn.iteration import Estimate, orthogonalise, shift


@given(dx=st.floats(-3, 3), dy=st.floats(-3, 3))
def test_fourier_shift_there_and_back(dx, dy):
    """Moving by d and by -d is the identity, and energy stays."""
    rng = np.random.default_rng(0)
    waves = torch.from_numpy(rng.standard_normal((2, 1, 16, 16)) + 1j * rng.standard_normal((2, 1, 16, 16)))
    d = torch.tensor([[dx, dy]] * 2, dtype=torch.float64)
    moved = shift(waves, d)
    torch.testing.assert_close(shift(moved, -d), waves)
    torch.testing.assert_close(moved.abs().square().sum(), waves.abs().square().sum())


def test_fourier_shift_moves_right_and_down():
    """Whole pixels: content follows [x, y] = (column, row)."""
    wave = torch.zeros(1, 1, 8, 8, dtype=torch.complex64)
    wave[0, 0, 2, 3] = 1
    moved = shift(wave, torch.tensor([[2.0, 1.0]]))
    assert moved[0, 0, 3, 5].real == pytest.approx(1, abs=1e-5)


def test_modes_are_mixed_where_they_lie(rng):
    """The neutral mixing is what a tensor gets too."""
    probe = (rng.standard_normal((3, 8, 8)) + 1j * rng.standard_normal((3, 8, 8))).astype(np.complex64)
    mixed = orthogonalise(torch.from_numpy(probe))
    np.testing.assert_array_equal(mixed.numpy(), sweeps.orthogonalise(probe))


def test_truth_is_a_fixed_point(scanned):
    """Where every amplitude is explained, a sweep moves nothing."""
    scan = scanned()
    estimate = Estimate(Frames(scan.frames, scan.positions), scan.truth, scan.origin, scan.probe)
    misfit = estimate.sweep(learn_probe=True)
    assert misfit < 1e-10
    assert (estimate.picture - scan.truth).abs().max() < 1e-3


@pytest.mark.parametrize("modes", [1, 2])
def test_sweeps_lower_the_misfit(scanned, modes):
    """From a flat object the misfit falls by two orders of magnitude."""
    scan = scanned(modes=modes)
    flat = torch.full_like(scan.truth, 0.7)
    estimate = Estimate(Frames(scan.frames, scan.positions), flat, scan.origin, scan.probe)
    misfits = [estimate.sweep() for _ in range(30)]
    assert misfits[-1] < 0.01 * misfits[0]


def test_bad_pixels_do_not_pull(scanned):
    """A hot masked pixel leaves the same object as no hot pixel."""
    scan = scanned()
    good = torch.ones(32, 32, dtype=torch.bool)
    good[16, 17] = False
    flat = torch.full_like(scan.truth, 0.7)
    pictures = []
    for wild in (0.0, 1e5):
        spoilt = scan.X.clone()
        spoilt[:, 16, 17] = wild
        estimate = Estimate(Frames(spoilt.__getitem__, scan.positions, good), flat, scan.origin, scan.probe)
        estimate.sweep()
        pictures.append(estimate.picture)
    torch.testing.assert_close(*pictures)


def test_the_same_seed_sweeps_alike(scanned):
    """Order is drawn from the seed alone."""
    scan = scanned()
    flat = torch.full_like(scan.truth, 0.7)
    runs = []
    for seed in (1, 1, 2):
        estimate = Estimate(
            Frames(scan.frames, scan.positions), flat, scan.origin, scan.probe, Steps(seed=seed)
        )
        estimate.sweep()
        runs.append(estimate.picture)
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def test_a_patch_beyond_the_picture_is_an_error():
    """The error says how large the picture is and how to get a fitting one."""
    with pytest.raises(ValueError, match="beyond the picture") as error:
        Estimate(
            Frames(lambda i: torch.zeros(len(i), 8, 8), np.array([[20.0, 4.0]])),
            torch.ones(10, 10, dtype=torch.complex64),
            (0, 0),
            torch.ones(1, 8, 8, dtype=torch.complex64),
        )
    assert str(error.value) == (
        "a patch lies beyond the picture of 10 x 10 pixels\n"
        "  expected  every position at least N/2 pixels inside\n"
        "  try       canvas_of(positions, N) for origin and shape"
    )
