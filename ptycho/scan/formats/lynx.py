"""Files of the LYNX instrument (31-ID): geometry in attributes of the frames; positions in a .dat file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptycho.scan.formats._hdf5_values import frame_without_probe, known_geometry
from ptycho.scan.geometry import Fact, Geometry, energy_ev, photon_wavelength_m
from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader

if TYPE_CHECKING:
    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions

FRAMES = "entry/data/eiger_4"


def recognise(file: ScanFile) -> bool:
    """Tell by the name of the detector's dataset."""
    return file.container == "hdf5" and FRAMES in file.hdf5


def read(file: ScanFile, _options: ScanOptions) -> ScanContents:
    """Read the frames and the beam's place.

    Raises:
        ScanError: The frames cannot be read.
    """
    row, column = (_number(file, f"Center_{axis}_pixel") for axis in "yx")
    return ScanContents(
        {"diff3d": file.frames(FRAMES)},
        FRAMES,
        quantity="counts",
        geometry=_geometry(file),
        beam_centre_px=None if row is None or column is None else (row, column),
        needs_positions="LYNX keeps them in a .dat file",
    )


def header(file: ScanFile) -> ScanHeader:
    """Read the geometry and the side of a frame."""
    return frame_without_probe(file, FRAMES, _geometry(file))


def _number(file: ScanFile, name: str) -> float | None:
    value = np.asarray(file.hdf5.attribute(FRAMES, name))
    if value.size != 1 or value.dtype.kind not in "iuf" or not np.isfinite(value).all():
        return None
    return float(value.reshape(-1)[0])


def _geometry(file: ScanFile) -> Geometry:
    def fact(name: str, unit_m: float = 1.0) -> Fact | None:
        value = _number(file, name)
        return None if not value else Fact(abs(value) * unit_m, f"{file.path}:/{FRAMES}@{name}")

    def wavelength() -> Fact | None:
        energy = fact("Photon_energy_kev")
        if energy is None:
            return None
        where = f"'Photon_energy_kev' of '{FRAMES}' in {file.path}"
        return Fact(photon_wavelength_m(energy_ev(energy.value, "keV", where, "keV")), energy.origin)

    return known_geometry(wavelength, lambda: fact("Detector_distance_m"), lambda: fact("Pixel_size"))


FORMAT = ScanFormat(
    name="lynx",
    layout="a file of LYNX: 'entry/data/eiger_4', geometry in its attributes",
    needs="data.positions = the .dat file of the scan",
    recognise=recognise,
    read=read,
    header=header,
)
