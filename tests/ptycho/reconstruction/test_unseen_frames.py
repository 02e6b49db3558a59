"""Frames left out judge a picture by what they say, and a saturated pixel says no more than a lower bound."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho.physics.scale import measure
from ptycho.reconstruction.unseen_frames import foretell, neighbourhood
from ptycho.simulate.scan import Simulation, simulate


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_saturation_is_no_fault_of_the_picture(share: float) -> None:
    """Frames cut off at a share of their brightest pixel are explained where the ceiling is known."""
    scan = simulate(Simulation(N=32, n_frames=100, step_px=2.5, jitter_px=0.8, nphotons=1e6))
    assert scan.probe_modes is not None
    scales = measure(scan.mean_square(), scan.N, scan.quantity, None, scan.probe_modes)
    chosen = neighbourhood(scan.positions)
    frames = scan.amplitudes(chosen) * np.float32(scales.amplitude_factor)
    probe = scales.probe(scan.probe_modes)
    ceiling = float(share * np.mean(frames.max(axis=(1, 2))))
    clipped = np.minimum(frames, np.float32(ceiling))
    known, unknown = (
        foretell(clipped, scan.positions[chosen], probe, ceiling=level) for level in (0.999 * ceiling, None)
    )
    assert known is not None
    assert unknown is not None
    assert known.unexplained(1e-3) < 0.25
    assert known.unexplained(1e-3) < 0.5 * unknown.unexplained(1e-3)
