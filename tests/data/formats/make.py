"""Let a program of the field write a small scan of ours, as it writes its own.

Usage: make.py PROGRAM FOLDER, in an environment that has the program (``pip install --no-deps``) and ours.
The scan is one of our simulator, so that the files carry nobody's licence; truth.npz is the scan itself.
PtyLab writes a scan that it simulates: of that the first frames are kept, their counts rounded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from ptycho.raw_data import RawData
from ptycho.simulate.scan import Simulation, simulate

N, PIXEL_M, DISTANCE_M, ENERGY_EV = 32, 75e-6, 0.5, 8000.0
WAVELENGTH_M = 12.39841984e-10 / 8.0
OBJECT_PIXEL_M = WAVELENGTH_M * DISTANCE_M / (N * PIXEL_M)
BAD = (3, 5)
LINES, POINTS = 4, 5
DIFFRACTION_PER_ANGSTROM, STEP_ANGSTROM = 0.02, 6.0
FRAMES_OF_PTYLAB = 4


def scan() -> RawData:
    """Give the scan that all programs write: 20 frames of 32 px, one pixel of which is bad."""
    return simulate(Simulation(N=N, n_frames=LINES * POINTS, nphotons=2e4, seed=3, object_seed=3))


def truth(folder: Path) -> None:
    """Write the scan itself."""
    made = scan()
    arrays = {"frames": made.diff3d, "x": made.xcoords, "y": made.ycoords, "probe": made.probe_modes}
    np.savez_compressed(folder / "truth.npz", **arrays)


def cdtools(folder: Path) -> None:
    """CXI by cdtools: probe positions in the laboratory, whose axes run against the detector's."""
    import torch
    from cdtools.datasets import Ptycho2DDataset

    made = scan()
    lab = -np.stack([made.xcoords, made.ycoords, np.zeros(len(made))], axis=1) * OBJECT_PIXEL_M
    basis = torch.tensor([[0.0, -PIXEL_M], [-PIXEL_M, 0.0], [0.0, 0.0]])
    good = torch.ones(N, N)
    good[BAD] = 0
    dataset = Ptycho2DDataset(
        lab,
        torch.as_tensor(made.diff3d.astype(np.float32)),
        wavelength=torch.tensor(WAVELENGTH_M),
        detector_geometry={"distance": DISTANCE_M, "basis": basis, "corner": None},
        mask=good.bool(),
    )
    dataset.to_cxi(folder / "cdtools.cxi")


def ptychodus(folder: Path) -> None:
    """A product and patterns by ptychodus: some patterns without a position, in another order."""
    from ptychodus.api.assemble import AssembledDiffractionData
    from ptychodus.api.geometry import PixelGeometry
    from ptychodus.api.io import save_diffraction_data, save_product
    from ptychodus.api.object import Object, ObjectCenter
    from ptychodus.api.probe import ProbeSequence
    from ptychodus.api.probe_positions import ProbePosition, ProbePositionSequence
    from ptychodus.api.product import Product, ProductMetadata

    made = scan()
    pixel, detector = PixelGeometry(OBJECT_PIXEL_M, OBJECT_PIXEL_M), PixelGeometry(PIXEL_M, PIXEL_M)
    x_m, y_m = made.xcoords * OBJECT_PIXEL_M, made.ycoords * OBJECT_PIXEL_M
    points = [ProbePosition(index, x_m[index], y_m[index]) for index in range(len(made) - 1)]
    metadata = ProductMetadata(
        name="scan",
        comments="",
        detector_distance_m=DISTANCE_M,
        photon_energy_eV=ENERGY_EV,
        probe_photon_count=2e4,
        exposure_time_s=1.0,
        mass_attenuation_m2_per_kg=0.0,
        tomography_angle_deg=0.0,
    )
    product = Product(
        metadata=metadata,
        probe_positions=ProbePositionSequence(points),
        probes=ProbeSequence(np.asarray(made.probe_modes)[0].astype(complex), None, pixel),
        object_=Object(np.ones((16, 16), complex), pixel, ObjectCenter(0.0, 0.0)),
        losses=(),
    )
    save_product(folder / "ptychodus_product.h5", product)
    order = np.random.default_rng(1).permutation(len(made))
    bad = np.zeros((N, N), bool)
    bad[BAD] = True
    data = AssembledDiffractionData(order, made.diff3d[order], detector, bad)
    save_diffraction_data(folder / "ptychodus_diffraction.h5", data, compression="gzip")


def emdfile(folder: Path) -> None:
    """A data cube by emdfile, calibrated along all four axes."""
    import emdfile as emd

    made = scan()
    cube = emd.Array(
        data=made.diff3d.reshape(LINES, POINTS, N, N),
        name="scan",
        dims=[STEP_ANGSTROM, STEP_ANGSTROM, DIFFRACTION_PER_ANGSTROM, DIFFRACTION_PER_ANGSTROM],
        dim_names=["Rx", "Ry", "Qx", "Qy"],
        dim_units=["A", "A", "A^-1", "A^-1"],
    )
    emd.save(str(folder / "emdfile.h5"), cube, mode="o")


def ptylab(folder: Path) -> None:
    """The scan that PtyLab simulates for its own first steps, cut to some frames."""
    from PtyLab.io.generateSimulationData import generate_simu_hdf5

    whole = folder / "ptylab_whole.hdf5"
    generate_simu_hdf5(whole)
    with h5py.File(whole) as source, h5py.File(folder / "ptylab.hdf5", "w") as kept:
        for name, dataset in source.items():
            value = dataset[()]
            if name == "ptychogram":
                # Its noise is of whole photons, its mean is not: rounded it packs five times as small.
                kept.create_dataset(name, data=np.rint(value[:FRAMES_OF_PTYLAB]), compression="gzip")
            else:
                kept[name] = value[:FRAMES_OF_PTYLAB] if name == "encoder" else value
    whole.unlink()


PROGRAMS: dict[str, Callable[[Path], None]] = {
    made.__name__: made for made in (truth, cdtools, ptychodus, emdfile, ptylab)
}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](Path(sys.argv[2]))
