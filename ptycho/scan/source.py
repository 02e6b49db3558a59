"""Where a scan comes from, and what that says about it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["ScanSource", "source_name"]


@dataclass(frozen=True)
class ScanSource:
    """Where a scan comes from, and what that says about it.

    Attributes:
        path: The file, or None for arrays in memory.
        frames_key: What the frames are called there.
        usual: What frames from here usually are, when nothing else tells.
        quantity: What the file declares its frames to be, or None.
        origin: What the file declares its positions to name, or None.
        read_by: The scan format that read the file, "" for arrays in memory; what is read from a file is
            first made fit, what is handed over has to be.
        notes: What was decided when the file was read, one sentence each.
    """

    path: Path | None = None
    frames_key: str = "diff3d"
    usual: Literal["counts", "amplitude"] = "amplitude"
    quantity: str | None = None
    origin: str | None = None
    read_by: str = ""
    notes: tuple[str, ...] = ()


def source_name(path: Path | None) -> str:
    """Name the file that data came from, or say that it was handed over in memory."""
    return str(path) if path is not None else "arrays in memory"
