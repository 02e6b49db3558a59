"""Raw pairs of fold_slice: 'dp' in NAME_dp.hdf5, 'ppX' and 'ppY' in NAME_para.hdf5 beside it.

Source:
    fold_slice's own loading of these files: rows are -ppY, columns are -ppX.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.files.hdf5 import Hdf5File
from ptycho.scan.formats._hdf5_values import frame_shape
from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions

Array = np.ndarray[Any, Any]


def recognise(file: ScanFile) -> bool:
    """Tell by the lone 'dp'."""
    return file.container == "hdf5" and file.keys == ("dp",)


def read(file: ScanFile, options: ScanOptions) -> ScanContents:
    """Read frames, and the positions beside them unless the settings name others.

    Raises:
        ScanError: The file of positions holds none.
    """
    arrays: dict[str, Any] = {"diff3d": file.frames("dp")}
    partner = _partner(file.path)
    if options.positions or partner is None:
        return ScanContents(arrays, "dp", quantity="counts")
    with Hdf5File(partner) as positions:
        missing = [key for key in ("ppX", "ppY") if key not in positions]
        if missing:
            raise ScanError(
                error_text(
                    f"there is no '{missing[0]}' in {partner}, the positions of {file.path.name}",
                    expected="'ppX' and 'ppY', one number a frame, in metres",
                    known=positions.shown_keys(),
                )
            )
        # The program moves the sample, so a patch moves the other way.
        x, y = (-positions.numbers(key).ravel() for key in ("ppX", "ppY"))
    notes = (
        f'positions: {partner}, columns -ppX, rows -ppY, in metres; data.position_unit = "A" for electrons',
        "MATLAB writes frames that h5py shows transposed: data.transpose = true for those",
    )
    return ScanContents(
        arrays | {"xcoords": x, "ycoords": y}, "dp", quantity="counts", position_unit="m", notes=notes
    )


def header(file: ScanFile) -> ScanHeader:
    """Read the side of a frame; the geometry is not in these files."""
    return ScanHeader(
        doubt=f"{file.path} holds no probe", frame_shape=frame_shape(file, "dp"), frames_key="dp"
    )


def _partner(path: Path) -> Path | None:
    """Find the file of positions beside the frames."""
    candidates = [
        path.with_name(path.name.replace("_dp.", "_para.")),
        path.with_name(f"{path.stem}_para.hdf5"),
    ]
    return next((other for other in candidates if other != path and other.is_file()), None)


FORMAT = ScanFormat(
    name="fold_slice",
    layout="frames 'dp' in NAME_dp.hdf5, positions 'ppX', 'ppY' in NAME_para.hdf5 beside it",
    needs="data.energy_kev, data.distance_m, data.detector_pixel_m",
    recognise=recognise,
    read=read,
    header=header,
)
