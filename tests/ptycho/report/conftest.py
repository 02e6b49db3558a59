"""Results that need no backend."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho.physics.stitch import stitch
from ptycho.raw_data import RawData
from ptycho.reconstruction.result import Reconstruction
from ptycho.report.results import Results
from ptycho.run.resolve import resolve_run


@pytest.fixture
def results(tiny_scan: RawData) -> Results:
    """The true patches, stitched: a reconstruction without a fault."""
    assert tiny_scan.probe_modes is not None
    weights = np.abs(tiny_scan.probe_modes[0]) ** 2
    stitched = stitch(tiny_scan.labels(), tiny_scan.positions, weights.astype(np.float32))
    measured = tiny_scan.amplitudes([0, 1])
    return Results(
        title="true patches",
        resolution=resolve_run("infer", flags={"model.gridsize": "1"}),
        reconstruction=Reconstruction(
            object=stitched.object.astype(np.complex64),
            coverage=stitched.coverage.astype(np.float32),
            origin_px=np.asarray(stitched.origin_px, np.float64),
            positions=tiny_scan.positions,
            probe=tiny_scan.probe_modes.astype(np.complex64),
            frame_indices=np.array([0, 1]),
            measured=measured,
            predicted=measured,
        ),
        scan=tiny_scan,
        trained_on_it=False,
    )
