"""Write a scan as ptychodus reads it: a product with probe and positions, and the patterns beside them.

Source:
    ptychodus' own reading and writing of product files (HDF5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptycho.errors import ScanError
from ptycho.files.atomic import replacing
from ptycho.scan.geometry import ELECTRON_CHARGE_C, LIGHT_M_PER_S, PLANCK_J_S
from ptycho.scan.source import source_name
from ptycho.scan.statistics import chunks
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.scan.raw_data import RawData

__all__ = ["write_product"]


def write_product(scan: RawData, path: Path) -> Path:
    """Write frames in use, bad pixels, positions in metres, probe and object; whole or not at all.

    Args:
        scan: A scan whose geometry is known; without a probe or an object, ones stand for them.
        path: The file to make or replace.

    Returns:
        The path written.

    Raises:
        ScanError: The geometry is not known.
    """
    import h5py

    pixel_m, facts = scan.object_pixel_m, scan.geometry.facts()
    if pixel_m is None or len(facts) < 3:
        raise ScanError(
            error_text(
                f"{source_name(scan.source)} cannot be written as a product: positions are lengths there",
                expected="energy, distance and detector pixel",
                hint=" and ".join(scan.geometry.missing()).replace("wavelength_m", "energy_kev"),
            )
        )
    modes = np.ones((1, scan.N, scan.N), np.complex64) if scan.probe_modes is None else scan.probe_modes
    truth, centre_px = scan.object_truth, scan.positions.mean(axis=0)
    if truth is None:
        sides = np.ceil(np.ptp(scan.positions, axis=0)).astype(int) + scan.N
        picture = np.ones((int(sides[1]), int(sides[0])), np.complex64)
    else:
        # Pixel 0 of the object lies at 0 of the positions.
        picture, centre_px = truth, np.array(truth.shape[::-1]) / 2
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs.update(
            name=source_name(scan.source),
            comments="",
            detector_object_distance_m=facts["distance_m"],
            probe_energy_eV=PLANCK_J_S * LIGHT_M_PER_S / facts["wavelength_m"] / ELECTRON_CHARGE_C,
            probe_photon_count=scan.mean_square() if scan.quantity == "counts" else 0.0,
            exposure_time_s=0.0,
            mass_attenuation_m2_kg=0.0,
            detector_pixel_size_m=facts["pixel_size_m"] * scan.options.bin,
        )
        file["probe_position_indexes"] = file["indexes"] = np.arange(scan.n_frames)
        file["probe_position_x_m"], file["probe_position_y_m"] = (scan.positions * pixel_m).T
        file["probe"], file["object"] = modes[np.newaxis], picture[np.newaxis]
        for name in ("probe", "object"):
            file[name].attrs.update(pixel_width_m=pixel_m, pixel_height_m=pixel_m)
        x, y = (float(value) * pixel_m for value in centre_px)
        file["object"].attrs.update(center_x_m=x, center_y_m=y)
        file["object_layer_spacing_m"] = np.zeros(0)
        file["loss_epochs"], file["loss_values"] = np.zeros(0, np.int64), np.zeros(0)
        good = np.ones((scan.N, scan.N), bool) if scan.mask is None else scan.mask
        file["bad_pixels"] = ~good
        patterns = file.create_dataset(
            "patterns", (scan.n_frames, scan.N, scan.N), np.float32, chunks=(1, scan.N, scan.N)
        )
        for span in chunks(scan.n_frames, scan.N**2):
            patterns[span] = scan.amplitudes(np.arange(span.start, span.stop)) ** 2
    return path
