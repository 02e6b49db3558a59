"""Diffraction files of ptychodus: 'patterns' with 'indexes'; the positions are in a product file.

Source:
    ptychodus' own reading and writing of diffraction and product files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.scan.completion import with_positions
from ptycho.scan.formats._hdf5_values import minority
from ptycho.scan.positions import PRODUCT_KEYS, attribute_fact, product_geometry, read_product
from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader
from ptycho.scan.written_centre import read_centre_px
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.scan.geometry import Geometry
    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions

Array = np.ndarray[Any, Any]

FRAMES = "patterns"
NUMBERS = "indexes"
BAD_PIXELS = "bad_pixels"
PROBE = "probe"
PIXEL_WIDTH, PIXEL_HEIGHT = "detector_pixel_width_m", "detector_pixel_height_m"


def recognise(file: ScanFile) -> bool:
    """Tell by the keys, or by what ptychodus writes beside the patterns: without numbers they are refused."""
    if file.container not in {"npz", "hdf5"} or FRAMES not in file.keys:
        return False
    numbered = NUMBERS in file.keys
    return numbered or (file.container == "hdf5" and file.hdf5.attribute(FRAMES, PIXEL_WIDTH) is not None)


def read(file: ScanFile, options: ScanOptions) -> ScanContents:
    """Read the patterns and the numbers by which positions are matched to them.

    Raises:
        ScanError: An array cannot be read, or no position belongs to a pattern.
    """
    arrays: dict[str, Any] = {"diff3d": file.frames(FRAMES)}
    bad, notes = None, list[str]()
    if BAD_PIXELS in file.keys:
        bad, notes = minority(file.read(BAD_PIXELS).astype(bool), BAD_PIXELS)
    contents = ScanContents(
        arrays,
        FRAMES,
        quantity="counts",
        geometry=_geometry(file),
        bad_pixels=bad,
        frame_numbers=_numbers(file),
        beam_centre_px=read_centre_px(file),
        needs_positions="ptychodus keeps them in the product file",
        notes=tuple(notes),
    )
    if options.positions or not set(PRODUCT_KEYS) <= set(file.keys):
        return contents
    # A product that holds its own patterns.
    if PROBE in file.keys:
        probe = file.read(PROBE)
        arrays["probeGuess"] = probe[0] if probe.ndim == 4 else probe
    return with_positions(contents, read_product(file))


def header(file: ScanFile) -> ScanHeader:
    """Read the side of a frame."""
    rows, columns = file.shape(FRAMES)[-2:]
    return ScanHeader(
        doubt=f"{file.path} holds no probe",
        frame_shape=(rows, columns),
        frames_key=FRAMES,
        geometry=_geometry(file),
    )


def _numbers(file: ScanFile) -> Array:
    """Read the number of each pattern, by which its position is found.

    Raises:
        ScanError: They are not whole numbers, one a pattern, or one stands twice.
    """
    numbers, count = file.read(NUMBERS), file.shape(FRAMES)[0]
    whole = numbers.dtype.kind in "iu" and numbers.size == count
    if not whole or len(np.unique(numbers)) != count:
        raise ScanError(
            error_text(
                f"'{NUMBERS}' in {file.path} is an array of {numbers.dtype} with shape {numbers.shape}, and "
                f"there are {count} patterns",
                expected="a whole number for each pattern, none twice",
            )
        )
    return numbers.astype(np.int64).ravel()


def _geometry(file: ScanFile) -> Geometry:
    """Read what the file of the patterns says: the detector's pixel, and what a product in it does."""
    geometry = product_geometry(file)
    if file.container != "hdf5":
        return geometry
    width, height = (attribute_fact(file, FRAMES, name) for name in (PIXEL_WIDTH, PIXEL_HEIGHT))
    one = width or height or attribute_fact(file, "", "detector_pixel_size_m")
    if one is None:
        return geometry
    return geometry.with_pixel((height or one).value, (width or one).value, one.origin)


FORMAT = ScanFormat(
    name="ptychodus",
    layout="a diffraction file of ptychodus: 'patterns' (n, rows, columns) and 'indexes'",
    needs="data.positions = the product file (.npz or .h5), which also gives the probe",
    recognise=recognise,
    read=read,
    header=header,
)
