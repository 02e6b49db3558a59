"""Write a scan as a CXI file, version 1.60, which other programs of the field read.

Source:
    F. R. N. C. Maia, Nature Methods 9, 854 (2012), and the CXI file format's own description.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.files.hdf5_writer import creating_hdf5
from ptycho.scan.intensities import write_intensities
from ptycho.scan.lengths import photon_energy_j, require_lengths
from ptycho.scan.source import source_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ptycho.scan.raw_data import RawData

__all__ = ["ENTRY", "write_cxi", "write_experiment"]

BAD_PIXEL = 1
"""Bit of a CXI mask for a pixel whose value is invalid."""

ENTRY = "entry_1"
DETECTOR = f"{ENTRY}/instrument_1/detector_1"
SOURCE = f"{ENTRY}/instrument_1/source_1"


def write_experiment(
    file: Any,
    lengths: Mapping[str, float],
    positions: NDArray[np.float64],
    probe: NDArray[np.complexfloating[Any, Any]] | None,
) -> None:
    """Write beam, detector and positions of one entry into an open HDF5 file.

    Args:
        file: The file.
        lengths: Those that are known, in metres; the pixel of the object is.
        positions: Patch centres [x, y] in pixels of the object, shape (n, 2).
        probe: Its modes, shape (P, N, N), or None.
    """
    import h5py

    file["cxi_version"], file["number_of_entries"] = 160, 1
    if "distance_m" in lengths:
        file[f"{DETECTOR}/distance"] = lengths["distance_m"]
    if "detector_pixel_m" in lengths:
        for axis in "xy":
            file[f"{DETECTOR}/{axis}_pixel_size"] = lengths["detector_pixel_m"]
    if "wavelength_m" in lengths:
        file[f"{SOURCE}/energy"] = photon_energy_j(lengths["wavelength_m"])
        file[f"{SOURCE}/wavelength"] = lengths["wavelength_m"]
    if probe is not None:
        file[f"{SOURCE}/illumination"] = probe
    translation = np.zeros((len(positions), 3))
    translation[:, :2] = positions * lengths["object_pixel_m"]
    file[f"{ENTRY}/sample_1/geometry_1/translation"] = translation
    file[f"{ENTRY}/data_1/translation"] = h5py.SoftLink(f"/{ENTRY}/sample_1/geometry_1/translation")


def write_cxi(scan: RawData, path: Path) -> Path:
    """Write frames in use, positions in metres, mask, probe and geometry; whole or not at all.

    Args:
        scan: A scan whose geometry is known.
        path: The file to make or replace.

    Returns:
        The path written.

    Raises:
        ScanError: The geometry is not known.
    """
    import h5py

    lengths = scan.lengths_m()
    what = f"{source_name(scan.source)} cannot be written as CXI"
    require_lengths(what, lengths, "object_pixel_m", "wavelength_m", "distance_m", "detector_pixel_m")
    with creating_hdf5(path) as new:
        file = new.content
        write_intensities(new, f"{DETECTOR}/data", scan)
        if scan.mask is not None:
            file[f"{DETECTOR}/mask"] = np.where(scan.mask, 0, BAD_PIXEL).astype(np.uint32)
        write_experiment(file, lengths, scan.positions, scan.probe_modes)
        file[f"{ENTRY}/data_1/data"] = h5py.SoftLink(f"/{DETECTOR}/data")
        # The beam hits the middle of pixel [N/2, N/2]; rows and columns run against the laboratory's axes.
        pixel_m, corner_px = lengths["detector_pixel_m"], scan.N // 2 + 0.5
        file[f"{DETECTOR}/basis_vectors"] = np.array([[0.0, -pixel_m, 0.0], [-pixel_m, 0.0, 0.0]])
        file[f"{DETECTOR}/corner_position"] = np.array([corner_px * pixel_m] * 2 + [lengths["distance_m"]])
    return path
