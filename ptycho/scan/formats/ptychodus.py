"""Diffraction files of ptychodus: 'patterns' with 'indexes'; the positions are in a product file.

Source:
    ptychodus' own reading and writing of diffraction and product files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader

if TYPE_CHECKING:
    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions

FRAMES = "patterns"
NUMBERS = "indexes"
BAD_PIXELS = "bad_pixels"


def recognise(file: ScanFile) -> bool:
    """Tell by the keys."""
    return file.container in {"npz", "hdf5"} and {FRAMES, NUMBERS} <= set(file.keys)


def read(file: ScanFile, _options: ScanOptions) -> ScanContents:
    """Read the patterns and the numbers by which positions are matched to them."""
    arrays: dict[str, Any] = {"diff3d": file.frames(FRAMES)}
    return ScanContents(
        arrays,
        FRAMES,
        quantity="counts",
        bad_pixels=file.read(BAD_PIXELS).astype(bool) if BAD_PIXELS in file.keys else None,
        frame_numbers=file.read(NUMBERS).astype(np.int64).ravel(),
        needs_positions="ptychodus keeps them in the product file",
    )


def header(file: ScanFile) -> ScanHeader:
    """Read the side of a frame."""
    rows, columns = file.shape(FRAMES)[-2:]
    return ScanHeader(doubt=f"{file.path} holds no probe", frame_shape=(rows, columns), frames_key=FRAMES)


FORMAT = ScanFormat(
    name="ptychodus",
    layout="a diffraction file of ptychodus: 'patterns' (n, rows, columns) and 'indexes'",
    needs="data.positions = the product file (.npz or .h5), which also gives the probe",
    recognise=recognise,
    read=read,
    header=header,
)
