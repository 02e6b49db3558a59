"""Simulate a scan of a known object, and look at what a detector would have seen."""

import sys
from pathlib import Path

import numpy as np

from ptycho.report.figures.object import save_object
from ptycho.report.figures.positions import save_positions
from ptycho.report.figures.probe import save_probe
from ptycho.simulate.scan import Simulation, simulate


def main(folder: Path) -> None:
    """Write the scan and three pictures into a folder."""
    scan = simulate(Simulation(n_frames=100, object_family="spokes", nphotons=1e6, object_seed=7))
    scan.to_file(folder / "scan.npz")
    assert scan.object_truth is not None
    assert scan.probe_modes is not None
    save_object(folder / "truth.png", scan.object_truth)
    save_probe(folder / "probe.png", scan.probe_modes)
    save_positions(folder / "positions.png", scan.positions, N=scan.N)
    photons = np.mean([np.sum(frame**2) for frame in scan.amplitudes()])
    sys.stdout.write(f"{scan.n_frames} frames, {photons:.3g} photons each: {folder}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "outputs/03"))
