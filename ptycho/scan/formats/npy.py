"""A lone array of frames (.npy): a list of them, or a raster of lines and points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.errors import ScanError
from ptycho.files.npy import map_npy
from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions

FRAMES = "the array"


def recognise(file: ScanFile) -> bool:
    """Take every file of one array."""
    return file.container == "npy"


def read(file: ScanFile, _options: ScanOptions) -> ScanContents:
    """Map the frames; positions lie elsewhere.

    Raises:
        ScanError: It is no stack of frames, or not whole.
    """
    frames = map_npy(file.path)
    if frames.ndim not in {3, 4}:
        raise ScanError(
            error_text(
                f"{file.path} is an array of {frames.dtype} with shape {frames.shape}",
                expected="frames: (n, rows, columns), or a raster (lines, points, rows, columns)",
            )
        )
    return ScanContents({"diff3d": frames.reshape(-1, *frames.shape[-2:])}, FRAMES)


def header(file: ScanFile) -> ScanHeader:
    """Read the side of a frame."""
    shape = map_npy(file.path).shape
    side = (shape[-2], shape[-1]) if len(shape) in {3, 4} else None
    return ScanHeader(doubt=f"{file.path} holds no probe", frame_shape=side, frames_key=FRAMES)


FORMAT = ScanFormat(
    name="npy",
    layout="one array of frames, (n, rows, columns) or (lines, points, rows, columns)",
    needs="data.positions; data.position_unit, data.energy_kev, data.distance_m, data.detector_pixel_m",
    recognise=recognise,
    read=read,
    header=header,
)
