"""Files of PtyLab: 'ptychogram', 'encoder' in metres, 'wavelength', 'zo' and 'dxd' at the root.

Source:
    PtyLab's own reading and simulating of such files. Its description calls the columns of 'encoder' x, y;
    its code cuts rows by the first and columns by the second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.files.stored_frames import AS_STORED, Turn
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
    number = int(file.hdf5.number("orientation") or 0)
    # Transposed by the third bit, rows turned by the second, columns by the first, in this order.
    turn = Turn(transposed=bool(number & 4), rows=bool(number & 2), columns=bool(number & 1))
    turned = "" if turn == AS_STORED else f"; frames turned by orientation {number}"
    return ScanContents(
        {"diff3d": file.frames(FRAMES, turn=turn), "ycoords": positions[:, 0], "xcoords": positions[:, 1]},
        FRAMES,
        quantity="counts",
        position_unit="m",
        geometry=_geometry(file),
        notes=(f"positions: '{POSITIONS}', row and column in metres{turned}",),
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
