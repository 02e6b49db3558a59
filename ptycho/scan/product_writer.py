"""Write a scan as ptychodus reads it: a product with probe and positions, and the patterns beside them.

Source:
    ptychodus' own reading and writing of product files (HDF5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.files.hdf5_writer import creating_hdf5
from ptycho.scan.intensities import write_intensities
from ptycho.scan.lengths import photon_energy_ev, require_lengths
from ptycho.scan.source import source_name
from ptycho.scan.written_centre import CENTRE_KEY, middle_px

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from ptycho.scan.raw_data import RawData

__all__ = ["Product", "write_product"]

NEEDED = ("object_pixel_m", "wavelength_m", "distance_m")


@dataclass(frozen=True)
class Product:
    """What such a file states.

    Attributes:
        name: What the scan is called.
        lengths: Those that are known, in metres.
        positions: Patch centres [x, y] in pixels of the object, shape (n, 2).
        probe: Its modes, shape (P, N, N).
        picture: The object, shape (H, W).
        centre_px: [x, y] of the middle of the object, in the coordinates of the positions.
        photons: Light of a frame in photons; 0 where nobody knows.
    """

    name: str
    lengths: Mapping[str, float]
    positions: NDArray[np.float64]
    probe: NDArray[np.complexfloating[Any, Any]]
    picture: NDArray[np.complexfloating[Any, Any]]
    centre_px: tuple[float, float]
    photons: float

    def put_into(self, file: Any) -> None:
        """Write it into an open HDF5 file.

        Raises:
            ScanError: Energy, distance or detector pixel are not known.
        """
        lengths = self.lengths
        require_lengths(f"{self.name} cannot be written as a product", lengths, *NEEDED)
        pixel_m = lengths["object_pixel_m"]
        energy_ev = photon_energy_ev(lengths["wavelength_m"])
        # Version 1.7 of ptychodus has other names for two of them; earlier versions ask for theirs.
        file.attrs.update(
            name=self.name,
            comments="",
            detector_object_distance_m=lengths["distance_m"],
            photon_energy_eV=energy_ev,
            probe_energy_eV=energy_ev,
            probe_photon_count=self.photons,
            exposure_time_s=0.0,
            mass_attenuation_m2_per_kg=0.0,
            mass_attenuation_m2_kg=0.0,
            tomography_angle_deg=0.0,
        )
        if "detector_pixel_m" in lengths:
            file.attrs["detector_pixel_size_m"] = lengths["detector_pixel_m"]
        file["probe_position_indexes"] = np.arange(len(self.positions))
        file["probe_position_x_m"], file["probe_position_y_m"] = (self.positions * pixel_m).T
        # Coherent modes come before incoherent ones, layers before rows: one of each here.
        file["probe"], file["object"] = self.probe[np.newaxis], self.picture[np.newaxis]
        for name in ("probe", "object"):
            file[name].attrs.update(pixel_width_m=pixel_m, pixel_height_m=pixel_m)
        x, y = (float(value) * pixel_m for value in self.centre_px)
        file["object"].attrs.update(center_x_m=x, center_y_m=y)
        file["object_layer_spacing_m"] = np.zeros(0)
        file["loss_epochs"], file["loss_values"] = np.zeros(0, np.int64), np.zeros(0)


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
    with creating_hdf5(path) as new:
        file = new.content
        _product_of(scan).put_into(file)
        file["indexes"] = np.arange(scan.n_frames)
        good = np.ones((scan.N, scan.N), bool) if scan.mask is None else scan.mask
        file["bad_pixels"] = ~good
        file[CENTRE_KEY] = middle_px(scan.N)  # Beside what ptychodus reads.
        write_intensities(new, "patterns", scan)
    return path


def _product_of(scan: RawData) -> Product:
    truth, positions = scan.object_truth, scan.positions
    if truth is None:
        columns, rows = np.ceil(np.ptp(positions, axis=0)).astype(int) + scan.N
        truth, (x, y) = np.ones((int(rows), int(columns)), np.complex64), positions.mean(axis=0)
    else:
        # Pixel 0 of the object lies at 0 of the positions.
        y, x = np.array(truth.shape) / 2
    return Product(
        name=source_name(scan.source),
        lengths=scan.lengths_m(),
        positions=positions,
        probe=np.ones((1, scan.N, scan.N), np.complex64) if scan.probe_modes is None else scan.probe_modes,
        picture=truth,
        centre_px=(float(x), float(y)),
        photons=scan.mean_square() if scan.quantity == "counts" else 0.0,
    )
