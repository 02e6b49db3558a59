"""A TIFF file of two float32 pages, amplitude and phase, with the size of a pixel for Fiji and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.files.atomic import replacing
from ptycho.report.output import Output

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.reconstruction.result import Reconstruction


def write(reconstruction: Reconstruction, name: str, path: Path) -> None:
    """Write amplitude and phase, in radians; what was never scanned is NaN in both.

    Without a known pixel of the object the file says nothing of its size.
    """
    import tifffile

    seen = reconstruction.coverage > 0
    picture = reconstruction.object
    pages = np.where(seen, np.stack([np.abs(picture), np.angle(picture)]), np.nan).astype(np.float32)
    metadata: dict[str, Any] = {"axes": "CYX", "Labels": ["amplitude", "phase in rad"], "Info": name}
    pixel_m = reconstruction.lengths_m.get("object_pixel_m")
    resolution = None
    if pixel_m is not None:
        per_um = 1e-6 / pixel_m
        metadata["unit"], resolution = "um", (per_um, per_um)
    with replacing(path) as temporary, temporary.open("wb") as stream:
        # ImageJ's flavour of TIFF: its description names the unit in which the resolution counts.
        tifffile.imwrite(stream, pages, imagej=True, resolution=resolution, metadata=metadata)


OUTPUT = Output("a TIFF file of amplitude and phase", "object.tiff", (".tiff", ".tif"), write)
