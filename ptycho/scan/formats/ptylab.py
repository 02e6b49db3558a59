"""Files of PtyLab: 'ptychogram', 'encoder' in metres, 'wavelength', 'zo' and 'dxd' at the root.

Source:
    PtyLab's own description of its data format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.scan.formats._hdf5_values import frame_without_probe, known_geometry, length_m, position_columns
from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader

if TYPE_CHECKING:
    from ptycho.scan.geometry import Geometry
    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions

FRAMES = "ptychogram"
POSITIONS = "encoder"


def recognise(file: ScanFile) -> bool:
    """Tell by the two arrays that only such files name so."""
    return file.container == "hdf5" and FRAMES in file.hdf5 and POSITIONS in file.hdf5


def read(file: ScanFile, _options: ScanOptions) -> ScanContents:
    """Read intensities and positions.

    Raises:
        ScanError: The positions are no pairs, or the file is damaged.
    """
    positions = position_columns(file, POSITIONS, 2)
    return ScanContents(
        {"diff3d": file.frames(FRAMES), "xcoords": positions[:, 0], "ycoords": positions[:, 1]},
        FRAMES,
        quantity="counts",
        position_unit="m",
        geometry=_geometry(file),
        notes=(f"positions: '{POSITIONS}', columns x, y in metres; data.swap_xy = true where they are y, x",),
    )


def header(file: ScanFile) -> ScanHeader:
    """Read the geometry and the side of a frame."""
    return frame_without_probe(file, FRAMES, _geometry(file))


def _geometry(file: ScanFile) -> Geometry:
    return known_geometry(
        lambda: length_m(file, "wavelength"), lambda: length_m(file, "zo"), lambda: length_m(file, "dxd")
    )


FORMAT = ScanFormat(
    name="ptylab",
    layout="a file of PtyLab: 'ptychogram' and 'encoder' (n, 2) in metres",
    recognise=recognise,
    read=read,
    header=header,
)
