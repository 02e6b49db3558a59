"""The scan that settings name, with the further ones that belong to the run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ptycho.errors import ScanError
from ptycho.scan.raw_data import RawData
from ptyconf.errors import error_text

if TYPE_CHECKING:
    import os

    from ptycho.settings.data import ScanOptions

__all__ = ["read_scans"]

OF_ONE_SCAN = ("positions", "probe", "frames_without_position", "positions_without_frame", "leave_out")
"""Settings that name a file, or frames, of one scan."""


def read_scans(path: str | os.PathLike[str], options: ScanOptions) -> RawData:
    """Read a scan file, and behind it those of `data.more_scans`, all alike.

    Raises:
        FileNotFoundError: A file is not there.
        ScanError: A scan cannot be used, or the scans do not go together.
    """
    if not options.more_scans:
        return RawData.from_file(Path(path), options=options)
    for name in OF_ONE_SCAN:
        if getattr(options, name):
            raise ScanError(
                error_text(
                    f'data.{name} = "{getattr(options, name)}" belongs to one scan, and '
                    f"{1 + len(options.more_scans)} are named",
                    expected="scan files that hold it themselves",
                    hint="ptycho scan FILE --to one.npz for each, and then these files",
                )
            )
    files = (Path(path), *options.more_scans)
    return RawData.concatenate([RawData.from_file(file, options=options) for file in files])
