"""Eiger files of Dectris: a master file that links to data files; positions lie elsewhere.

Source:
    Dectris' description of the Eiger's HDF5 files, in the words of programs that read them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.scan.formats._hdf5_values import (
    frame_shape,
    known_geometry,
    length_m,
    minority,
    pixel_m,
    wavelength_m,
)
from ptycho.scan.geometry import Fact
from ptycho.scan.named_arrays import frames_named
from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader
from ptyconf.errors import error_text, with_hint

if TYPE_CHECKING:
    from ptycho.scan.geometry import Geometry
    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions

Array = np.ndarray[Any, Any]

DETECTOR = "entry/instrument/detector"
SPECIFIC = f"{DETECTOR}/detectorSpecific"
WHOLE = "entry/data/data"


def recognise(file: ScanFile) -> bool:
    """Tell by numbered parts, or by the settings that only this detector writes."""
    return file.container == "hdf5" and bool(_parts(file) or (_whole(file) and file.hdf5.group(SPECIFIC)))


def read(file: ScanFile, options: ScanOptions) -> ScanContents:
    """Read the frames of all data files, the mask and the beam's place.

    Raises:
        ScanError: A data file is missing.
    """
    keys = frames_named(options.frames, file) if options.frames else _frame_keys(file)
    if not options.frames:
        _require_parts(file, keys)
    hdf5 = file.hdf5
    mask_key = f"{SPECIFIC}/pixel_mask"
    row, column = (hdf5.number(f"{DETECTOR}/beam_center_{axis}") for axis in "yx")
    notes = [f"frames of {len(keys)} data files in the order of their names"] if len(keys) > 1 else []
    bad = None
    if mask_key in hdf5:
        bad, meaning = minority(hdf5.read(mask_key) != 0, mask_key)
        notes += meaning
    return ScanContents(
        {"diff3d": file.frames(*keys)},
        keys[0],
        quantity="counts",
        geometry=_geometry(file),
        bad_pixels=bad,
        beam_centre_px=(row, column) if row and column else None,
        notes=tuple(notes),
    )


def header(file: ScanFile) -> ScanHeader:
    """Read the geometry and the side of a frame."""
    key = _frame_keys(file)[0]
    return ScanHeader(
        doubt=f"{file.path} holds no probe",
        frame_shape=frame_shape(file, key),
        frames_key=key,
        geometry=_geometry(file),
    )


def _parts(file: ScanFile) -> tuple[str, ...]:
    members = file.hdf5.members("entry/data")
    return tuple(sorted(f"entry/data/{name}" for name in members if name.startswith("data_0")))


def _whole(file: ScanFile) -> bool:
    return WHOLE in file.hdf5


def _frame_keys(file: ScanFile) -> tuple[str, ...]:
    # The parts first: a virtual dataset over them would read as zeros where one is missing.
    keys = _parts(file) or ((WHOLE,) if _whole(file) else ())
    if not keys:
        raise ScanError(
            error_text(
                f"{file.path} holds no frames",
                expected=f"'{WHOLE}' or 'entry/data/data_000001' and so on",
                known=file.hdf5.shown_keys(),
            )
        )
    return keys


def _require_parts(file: ScanFile, keys: tuple[str, ...]) -> None:
    """Refuse a missing data file, and say how the frames before it are taken: those have their positions.

    Raises:
        ScanError: A data file is missing: lost, or never written by a scan that was aborted.
    """
    for at, key in enumerate(keys):
        try:
            file.hdf5.dataset(key)
        except ScanError as error:
            if at == 0:
                raise
            there = ",".join(keys[:at])
            ways = f'data.frames = "{there}" takes the frames before it; or copy the data files along'
            raise ScanError(with_hint(str(error), ways)) from error


def _geometry(file: ScanFile) -> Geometry:
    return known_geometry(
        lambda: _wavelength(file),
        lambda: length_m(file, f"{DETECTOR}/detector_distance", f"{DETECTOR}/distance"),
        lambda: pixel_m(file, f"{DETECTOR}/x_pixel_size", f"{DETECTOR}/y_pixel_size"),
    )


def _wavelength(file: ScanFile) -> Fact | None:
    fact = wavelength_m(file, f"{SPECIFIC}/photon_energy", usual="eV")
    # The master file gives the wavelength in ångström.
    return fact or length_m(file, "entry/instrument/beam/incident_wavelength", usual="A")


FORMAT = ScanFormat(
    name="eiger",
    layout="an Eiger master file: 'entry/data/data_000001' and so on, in data files beside it",
    needs="data.positions; where the master file does not say them: data.energy_kev, data.distance_m, "
    "data.detector_pixel_m",
    recognise=recognise,
    read=read,
    header=header,
)
