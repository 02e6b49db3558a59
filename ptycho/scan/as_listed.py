"""What of a scan still stands as its file lists it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.scan.frames import FrameStack

if TYPE_CHECKING:
    from ptycho.scan.scan import Scan

__all__ = ["is_as_listed", "pixels_summed"]


def is_as_listed(scan: Scan) -> bool:
    """Tell whether frame and position have one number, that of the file: nothing was left out or matched."""
    frames = scan._valid.frames  # noqa: SLF001  Of one room with the scan.
    return not scan.options.names_numbers and isinstance(frames, FrameStack) and frames.indices is None


def pixels_summed(scan: Scan) -> int:
    """Count the pixels of the file that are summed in one of a frame."""
    down, across = scan._valid.frames.detector.joined  # noqa: SLF001  As above.
    return scan.options.bin**2 * down * across
