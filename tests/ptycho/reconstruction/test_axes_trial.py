"""Orientations form a group, and frames that were not seen tell the right one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.physics.scale import measure
from ptycho.reconstruction.axes_trial import AS_THEY_ARE, ORIENTATIONS, Orientation, try_axes
from ptycho.reconstruction.unseen_frames import neighbourhood
from ptycho.simulate.scan import Simulation, simulate

orientations = st.sampled_from(ORIENTATIONS)
POINTS = np.array([[1.0, 2.0], [-3.0, 5.0], [0.5, -7.0]])


@given(orientations, orientations)
def test_one_turn_after_another_is_a_turn(first: Orientation, second: Orientation) -> None:
    """Turning twice is turning by what `after` gives."""
    np.testing.assert_array_equal(second.turn(first.turn(POINTS)), second.after(first).turn(POINTS))


@given(orientations)
def test_frames_turn_the_other_way(orientation: Orientation) -> None:
    """What turns the frames takes back what would turn the positions."""
    np.testing.assert_array_equal(orientation.of_frames.turn(orientation.turn(POINTS)), POINTS)


@pytest.fixture(scope="module")
def scan():
    """Give frames, positions, probe and noise of a simulated scan of 32 px frames."""
    scan = simulate(Simulation(N=32, n_frames=100, step_px=2.5, jitter_px=0.8, nphotons=1e6))
    scales = measure(scan.mean_square(), scan.N, scan.quantity, None, scan.probe_modes)
    chosen = neighbourhood(scan.positions)
    frames = scan.amplitudes(chosen) * np.float32(scales.amplitude_factor)
    return frames, scan.positions[chosen], scales.probe(scan.probe_modes)


@pytest.mark.parametrize(
    "wrong", [Orientation(swap_xy=True), Orientation(flip_x=True), Orientation(True, True)]
)
def test_the_right_axes_are_found(scan, wrong: Orientation) -> None:
    """Positions that were turned are turned back, whatever the turn was, and by one orientation alone."""
    frames, positions, probe = scan
    trial = try_axes(frames, wrong.turn(positions), probe, noise=2e-4)
    assert trial is not None
    assert trial.best.after(wrong) == AS_THEY_ARE
    assert len(trial.tied) == 1
    assert trial.table().startswith(str(trial.best))


def test_right_axes_stand_out_and_none_of_shuffled_frames(scan) -> None:
    """The right orientation leaves clearly less than the others; for frames in any order all are alike."""
    frames, positions, probe = scan
    right = try_axes(frames, Orientation(swap_xy=True).turn(positions), probe, noise=2e-4)
    assert right is not None
    assert right.stands_out
    order = np.random.default_rng(0).permutation(len(positions))
    shuffled = try_axes(frames, positions[order], probe, noise=2e-4)
    assert shuffled is not None
    assert not shuffled.stands_out


def test_among_equals_nothing_is_changed(scan) -> None:
    """Frames that tell nothing leave the axes as they are, and all eight are said to be equal."""
    _, positions, probe = scan
    rng = np.random.default_rng(0)
    flat = np.abs(np.fft.fftshift(np.fft.fft2(probe[0]))) / 32
    frames = np.float32(flat + 0.3 * rng.standard_normal((len(positions), 32, 32)))
    trial = try_axes(frames, positions, probe, noise=1.0)
    assert trial is not None
    assert trial.best == AS_THEY_ARE
    assert len(trial.tied) == 8
    assert not trial.stands_out
