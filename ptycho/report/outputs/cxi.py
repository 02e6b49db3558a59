"""A CXI file: the picture as 'entry_1/image_1', with probe, positions and beam.

Source:
    F. R. N. C. Maia, Nature Methods 9, 854 (2012), and the CXI file format's own description.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptycho.files.hdf5_writer import creating_hdf5
from ptycho.report.output import Output
from ptycho.scan.cxi_writer import ENTRY, write_experiment
from ptycho.scan.lengths import require_lengths

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.reconstruction.result import Reconstruction

IMAGE = f"{ENTRY}/image_1"


def write(reconstruction: Reconstruction, name: str, path: Path) -> None:
    """Write a picture, where it lies in metres, which pixels were never seen, and the experiment.

    Raises:
        ScanError: Energy, distance or detector pixel are not known.
    """
    lengths = reconstruction.lengths_m
    require_lengths(f"the picture of {name} cannot be written as CXI", lengths, "object_pixel_m")
    pixel_m = lengths["object_pixel_m"]
    size_px = np.array(reconstruction.object.shape[::-1], np.float64)
    with creating_hdf5(path) as new:
        file = new.content
        write_experiment(file, lengths, reconstruction.positions, reconstruction.probe_in_counts())
        file[f"{IMAGE}/data"] = reconstruction.object
        file[f"{IMAGE}/data_space"] = "real"
        file[f"{IMAGE}/mask"] = (reconstruction.coverage <= 0).astype(np.uint32)
        file[f"{IMAGE}/image_size"] = np.append(size_px * pixel_m, 0.0)
        file[f"{IMAGE}/image_center"] = np.append((reconstruction.origin_px + size_px / 2) * pixel_m, 0.0)
        for axis in "xy":
            file[f"{IMAGE}/{axis}_pixel_size"] = pixel_m
        file[f"{ENTRY}/sample_1/name"] = name
        file[f"{ENTRY}/program_name"] = "ptychopinn"


OUTPUT = Output("a CXI file", "object.cxi", (".cxi",), write)
