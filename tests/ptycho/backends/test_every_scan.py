"""A network for every scan takes probe, scales and bad pixels from the scan that it is made ready for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ptycho.backends.every_scan import open_for_every_scan
from ptycho.physics.scale import Normalisation
from ptycho.run.resolve import resolve_run
from ptycho.scan.raw_data import RawData
from ptycho.simulate.scan import Simulation, simulate


def without_probe(scan: RawData) -> RawData:
    """Give the same frames, of which nobody knows the probe."""
    x, y = scan.positions.T
    return RawData(x, y, None, None, scan.diff3d, None, None, metadata=scan.metadata)


def test_the_scan_gives_what_the_weights_leave_open() -> None:
    """Frame side, modes, scales and probe are the scan's; the weights are those of the file."""
    opened = open_for_every_scan(Path("universal"))
    assert opened is not None
    scan = simulate(Simulation(N=72, n_frames=4, probe_modes=2, nphotons=1e5))
    ready = opened.for_scan(scan, resolve_run("infer"))
    network, scales = ready.bundle.network, Normalisation.from_dict(ready.bundle.normalisation)
    assert (network["N"], network["probe_modes"], network["architecture"]) == (72, 2, "canvas_unet")
    assert scales.nphotons == pytest.approx(1e5, rel=0.02)
    np.testing.assert_allclose(ready.bundle.probe, scales.probe(np.asarray(scan.probe_modes)))
    assert opened.network.weights.keys() <= ready.bundle.weights.keys()
    asked = opened.for_scan(scan, resolve_run("infer", overrides={"model.probe_modes": 3}))
    assert asked.bundle.probe.shape == (3, 72, 72)


def test_a_scan_without_a_probe_is_refused() -> None:
    """The network sees the sample through its probe: the error says so, and what does without one."""
    opened = open_for_every_scan(Path("universal"))
    assert opened is not None
    with pytest.raises(ValueError, match="has no probe") as caught:
        opened.for_scan(without_probe(simulate(Simulation(n_frames=4))), resolve_run("infer"))
    for part in ("probeGuess", "ptycho reconstruct SCAN"):
        assert part in str(caught.value)


def test_what_is_neither_name_nor_file_is_none() -> None:
    """A run folder is opened elsewhere."""
    assert open_for_every_scan(Path("no-such-network")) is None
