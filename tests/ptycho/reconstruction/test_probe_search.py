"""A probe is found from frames alone, and what is found explains frames that it has not seen."""

import numpy as np

from ptycho.reconstruction.probe_search import find_probe
from ptycho.reconstruction.unseen_frames import neighbourhood
from ptycho.simulate.scan import Simulation, simulate


def test_the_probe_comes_from_the_frames() -> None:
    """Nothing but frames and positions gives a probe whose overlap with the true one is nearly 1."""
    scan = simulate(Simulation(N=32, n_frames=144, step_px=2.5, jitter_px=0.8, nphotons=1e6))
    chosen = neighbourhood(scan.positions, 100)
    frames = scan.amplitudes(chosen) * np.float32(scan.N / 2 / np.sqrt(scan.mean_square()))
    mean = np.sqrt(np.mean(np.square(scan.amplitudes(), dtype=np.float64), axis=0))
    found = find_probe(frames, scan.positions[chosen], mean)
    assert found is not None
    assert found.unseen.unexplained(2e-4) < 0.2
    true = scan.probe_modes[0]
    spectra = np.fft.fft2(found.probe[0]) * np.conj(np.fft.fft2(true))
    overlap = np.abs(np.fft.ifft2(spectra)).max() / np.linalg.norm(found.probe) / np.linalg.norm(true)
    assert overlap > 0.95
