"""Write a scan as a CXI file, version 1.60, which other programs of the field read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ptycho.errors import ScanError
from ptycho.files.atomic import replacing
from ptycho.scan.geometry import LIGHT_M_PER_S, PLANCK_J_S
from ptycho.scan.source import source_name
from ptycho.scan.statistics import chunks
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.scan.raw_data import RawData

__all__ = ["write_cxi"]

BAD_PIXEL = 1
"""Bit of a CXI mask for a pixel whose value is invalid."""

ENTRY = "entry_1"
DETECTOR = f"{ENTRY}/instrument_1/detector_1"
SOURCE = f"{ENTRY}/instrument_1/source_1"


def write_cxi(scan: RawData, path: Path) -> Path:
    """Write frames in use, positions in metres, mask, probe and geometry; whole or not at all.

    Args:
        scan: A scan whose geometry is known.
        path: The file to make or replace.

    Returns:
        The path written.

    Raises:
        ScanError: The geometry is not known, or the frames are amplitudes.
    """
    import h5py

    pixel_m, facts = scan.object_pixel_m, scan.geometry.facts()
    if pixel_m is None:
        raise ScanError(
            error_text(
                f"{source_name(scan.source)} cannot be written as CXI: positions are lengths there",
                expected="energy, distance and detector pixel",
                hint=" and ".join(scan.geometry.missing()).replace("wavelength_m", "energy_kev"),
            )
        )
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        file["cxi_version"], file["number_of_entries"] = 160, 1
        frames = file.create_dataset(
            f"{DETECTOR}/data", (scan.n_frames, scan.N, scan.N), np.float32, chunks=(1, scan.N, scan.N)
        )
        for span in chunks(scan.n_frames, scan.N**2):
            frames[span] = scan.amplitudes(np.arange(span.start, span.stop)) ** 2
        file[f"{DETECTOR}/distance"] = facts["distance_m"]
        for axis in "xy":
            # A binned frame has wider pixels.
            file[f"{DETECTOR}/{axis}_pixel_size"] = facts["pixel_size_m"] * scan.options.bin
        if scan.mask is not None:
            file[f"{DETECTOR}/mask"] = np.where(scan.mask, 0, BAD_PIXEL).astype(np.uint32)
        file[f"{SOURCE}/energy"] = PLANCK_J_S * LIGHT_M_PER_S / facts["wavelength_m"]
        file[f"{SOURCE}/wavelength"] = facts["wavelength_m"]
        if scan.probe_modes is not None:
            file[f"{SOURCE}/illumination"] = scan.probe_modes
        translation = np.zeros((scan.n_frames, 3))
        translation[:, :2] = scan.positions * pixel_m
        file[f"{ENTRY}/sample_1/geometry_1/translation"] = translation
        file[f"{ENTRY}/data_1/data"] = h5py.SoftLink(f"/{DETECTOR}/data")
        file[f"{ENTRY}/data_1/translation"] = h5py.SoftLink(f"/{ENTRY}/sample_1/geometry_1/translation")
    return path
