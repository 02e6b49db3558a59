"""The frames of a scan as intensities in an HDF5 file, a few at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ptycho.files.hdf5_writer import NewHdf5File
    from ptycho.scan.scan import Scan

__all__ = ["write_intensities"]


def write_intensities(file: NewHdf5File, name: str, scan: Scan) -> None:
    """Write squared amplitudes, shape (n, N, N), a chunk for each frame.

    Args:
        file: The file that is being written.
        name: The dataset to make.
        scan: The scan, whose frames are read as they are needed.

    Raises:
        OSError: The disk is full.
    """
    frames = file.content.create_dataset(
        name, (scan.n_frames, scan.N, scan.N), np.float32, chunks=(1, scan.N, scan.N)
    )
    for rows in scan.in_parts():
        frames[rows[0] : rows[-1] + 1] = scan.amplitudes(rows) ** 2
        file.require_room()
