"""Short sweeps tell the right guess from a wrong one, with numpy alone."""

import numpy as np
import pytest

from ptycho.physics.canvas import Canvas
from ptycho.physics.noise import amplitude_noise
from ptycho.physics.scale import measure
from ptycho.reconstruction.iteration import SweepSettings
from ptycho.reconstruction.short_sweeps import sweep_frames
from ptycho.simulate.scan import Simulation, simulate


@pytest.fixture(scope="module")
def guess():
    """Give frames, positions, probe and the misfit of photon noise of a small simulated scan."""
    scan = simulate(Simulation(n_frames=49, N=64, nphotons=1e6, seed=1))
    scales = measure(scan.mean_square(), scan.N, scan.quantity, None, scan.probe_modes)
    frames = scan.amplitudes(np.arange(scan.n_frames)) * scales.amplitude_factor
    mean = np.mean(np.square(frames, dtype=np.float64), axis=0) * scales.intensity_scale**2
    return frames, scan.positions, scales.probe(scan.probe_modes), amplitude_noise(mean).sum() / mean.sum()


def test_the_right_axes_explain_the_frames_best(guess):
    """A transposed or mirrored scan keeps a misfit of many times the right one's."""
    frames, positions, probe, _ = guess
    right = sweep_frames(frames, positions, probe).misfit
    wrong = [sweep_frames(frames, other, probe).misfit for other in (positions[:, ::-1], positions * [-1, 1])]
    assert min(wrong) > 5 * right


def test_more_sweeps_lead_towards_the_noise(guess):
    """From the right probe the misfit falls, and stays above what noise makes of it."""
    frames, positions, probe, noise = guess
    found = sweep_frames(frames, positions, probe, sweeps=12)
    assert 0.5 * noise < found.misfit < 0.1 * found.misfits[0]
    assert found.object.shape == Canvas.around(positions, 64).shape
    assert found.probe.shape == probe.shape


def test_a_picture_to_start_from_is_gone_on_with(guess):
    """The second lot of sweeps begins where the first ended, and a fixed probe stays as it was."""
    frames, positions, probe, _ = guess
    first = sweep_frames(frames, positions, probe, sweeps=6)
    fixed = SweepSettings(learn_probe=False)
    second = sweep_frames(frames, positions, first.probe, sweeps=1, picture=first.object, settings=fixed)
    assert second.misfit < 2 * first.misfit
    np.testing.assert_array_equal(second.probe, first.probe)
