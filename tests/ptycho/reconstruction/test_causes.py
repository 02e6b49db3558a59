"""Of the causes that are tried, the one that is at fault helps."""

import numpy as np
import pytest

from ptycho.physics.scale import measure
from ptycho.reconstruction.causes import Suspects, try_causes
from ptycho.reconstruction.short_sweeps import NumpySweeps
from ptycho.reconstruction.unseen_frames import neighbourhood
from ptycho.simulate.scan import Simulation, simulate


@pytest.mark.parametrize(
    ("cause", "change"),
    [("axes", lambda xy: xy[:, ::-1]), ("units", lambda xy: xy / 2), ("positions", None)],
    ids=["axes", "units", "positions"],
)
def test_the_cause_at_fault_helps(cause, change) -> None:
    """Swapped axes, a wrong unit and inexact positions are each told from the other causes."""
    scan = simulate(Simulation(N=32, n_frames=100, step_px=2.5, jitter_px=0.8, nphotons=1e6))
    scales = measure(scan.mean_square(), scan.N, scan.quantity, None, scan.probe_modes)
    chosen = neighbourhood(scan.positions)
    positions = scan.positions[chosen]
    inexact = np.random.default_rng(0).normal(size=positions.shape) * 0.8
    suspects = Suspects(
        frames=scan.amplitudes(chosen) * np.float32(scales.amplitude_factor),
        positions=positions + inexact if change is None else change(positions),
        probe=scales.probe(scan.probe_modes).astype(np.complex64),
        noise=2e-4,
        counts_of_unit=scales.intensity_scale**2,
        good=None,
        ceiling=None,
        errors=np.ones((32, 32)),
        library=NumpySweeps(),
    )
    trials = try_causes(suspects, search_probe=False)
    assert {trial.cause for trial in trials} == {"axes", "positions", "units", "mask", "modes", "quantity"}
    best = min(trials, key=lambda trial: trial.misfit)
    assert (best.cause, best.helps) == (cause, True)
    assert best.advice
