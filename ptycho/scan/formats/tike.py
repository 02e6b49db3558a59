"""NPZ files as tike lays them out: zero frequency and positions at the corner, rows before columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.errors import ScanError
from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions

KEYS = {"data", "scan", "probe"}


def recognise(file: ScanFile) -> bool:
    """Tell by the keys."""
    return file.container == "npz" and set(file.keys) >= KEYS and "xcoords" not in file.keys


def read(file: ScanFile, _options: ScanOptions) -> ScanContents:
    """Read data (1, n, N, N), scan (1, n, 2) = (row, column) of the corner, and probe (1, ..., N, N).

    Raises:
        ScanError: The positions have another shape, or the file is damaged.
    """
    scan, frames, probe = file.read("scan"), file.frames("data"), file.read("probe")
    frames = frames[0] if frames.ndim == 4 and frames.shape[0] == 1 else frames
    scan = scan[0] if scan.ndim == 3 and scan.shape[0] == 1 else scan
    if scan.ndim != 2 or scan.shape[1] != 2:
        raise ScanError(
            error_text(
                f"'scan' in {file.path} has shape {scan.shape}",
                expected="(frames, 2): row and column of each patch's corner, in pixels",
            )
        )
    arrays = {"ycoords": scan[:, 0], "xcoords": scan[:, 1], "diff3d": frames, "probeGuess": probe}
    return ScanContents(arrays, "data", origin="corner")


def header(file: ScanFile) -> ScanHeader:
    """Read the shape of the probe, whose last two axes are rows and columns."""
    return ScanHeader(file.keys, "probe", file.shape("probe")[-2:])


FORMAT = ScanFormat(
    name="tike",
    layout="an NPZ file with 'data' (1, frames, N, N), 'scan' (1, frames, 2) and 'probe'",
    recognise=recognise,
    read=read,
    header=header,
)
