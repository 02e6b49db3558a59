"""TIFF files: the pages of one, or one file a frame with a number in its name; positions lie elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptycho.files.tiff_frames import TiffFrames, file_numbers
from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader

if TYPE_CHECKING:
    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions

FRAMES = "the pages"


def recognise(file: ScanFile) -> bool:
    """Take every TIFF file."""
    return file.container == "tiff"


def read(file: ScanFile, _options: ScanOptions) -> ScanContents:
    """Find the files of the series; their pages are read when they are asked for.

    Raises:
        ScanError: A file cannot be read.
    """
    pages = TiffFrames([file.path])
    if len(pages) > 1:
        return ScanContents({"diff3d": pages}, FRAMES)
    series = file_numbers(file.path)
    numbers, paths = np.array([number for number, _ in series]), [path for _, path in series]
    notes = (f"frames: {len(paths)} files from {paths[0].name} to {paths[-1].name}",)
    # Without a gap the numbers say no more than the order, and may count from elsewhere than a table does.
    gaps = numbers[-1] - numbers[0] + 1 > len(numbers)
    return ScanContents(
        {"diff3d": TiffFrames(paths)}, FRAMES, notes=notes, frame_numbers=numbers if gaps else None
    )


def header(file: ScanFile) -> ScanHeader:
    """Read the side of a frame."""
    _, rows, columns = TiffFrames([file.path]).shape
    return ScanHeader(doubt=f"{file.path} holds no probe", frame_shape=(rows, columns), frames_key=FRAMES)


FORMAT = ScanFormat(
    name="tiff",
    layout="a TIFF file of many pages, or one file a frame: any of NAME_0001.tif, NAME_0002.tif ...",
    needs="data.positions; data.position_unit, data.energy_kev, data.distance_m, data.detector_pixel_m",
    recognise=recognise,
    read=read,
    header=header,
)
