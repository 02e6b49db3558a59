"""Normalised frames by their index: held in memory where they fit, else read when they are needed."""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ptycho.scan.raw_data import RawData

Indices = NDArray[np.int64]
FrameArray = NDArray[np.float32]

HOST_SHARE = 0.25
"""A scan is kept in main memory when it takes no more than this share of what is free."""

BELOW_CEILING = 1 - 1e-5
"""Share of a ceiling that counts as reached: more than single precision loses on the way, and far less than
one count of the 32 at least that a ceiling is."""

UNKNOWN_FREE_BYTES = 4 * 2**30
"""Free main memory assumed where the system does not tell."""


class FrameStore(Protocol):
    """Frames by their index in the scan."""

    def frames(self, indices: Indices) -> FrameArray:
        """Return normalised frames, float32, shape (len(indices), N, N)."""
        ...


class LazyFrames:
    """Read each frame from the scan when it is asked for.

    Args:
        scan: The scan.
        factor: X / measured amplitude, one number or one a frame.
    """

    def __init__(self, scan: RawData, factor: float | NDArray[np.float32]) -> None:
        self._scan = scan
        self._factor = factor

    def frames(self, indices: Indices) -> FrameArray:
        """Read and normalise."""
        factor = np.asarray(self._factor, np.float32)
        own = factor if factor.ndim == 0 else factor[indices, np.newaxis, np.newaxis]
        normalised: FrameArray = self._scan.amplitudes(indices) * own
        return normalised


class ResidentFrames:
    """Hold normalised frames in main memory.

    Args:
        source: Where the frames come from, once.
        used: Sorted indices of the frames that will be asked for.
    """

    CHUNK = 512

    def __init__(self, source: LazyFrames, used: Indices) -> None:
        self._used = used
        first = source.frames(used[: self.CHUNK])
        self._frames = np.empty((len(used), *first.shape[1:]), np.float32)
        self._frames[: len(first)] = first
        for start in range(self.CHUNK, len(used), self.CHUNK):
            span = slice(start, start + self.CHUNK)
            self._frames[span] = source.frames(used[span])

    def frames(self, indices: Indices) -> FrameArray:
        """Look up."""
        return self._frames[np.searchsorted(self._used, indices)]


@dataclass(frozen=True)
class Stored:
    """A frame store, and what it is in words."""

    store: FrameStore
    note: str


def store_frames(scan: RawData, factor: float | NDArray[np.float32], used: Indices) -> Stored:
    """Keep the frames in main memory if they fit.

    Args:
        scan: The scan.
        factor: X / measured amplitude, one number or one a frame of the scan, where scans differ.
        used: Sorted indices of the frames that will be asked for.
    """
    lazy = LazyFrames(scan, factor)
    size = len(used) * scan.N**2 * 4
    if size <= HOST_SHARE * free_bytes():
        return Stored(ResidentFrames(lazy, used), f"frames are held in memory ({describe_size(size)})")
    return Stored(lazy, f"frames are read when they are needed ({describe_size(size)} in all)")


def normalised_ceiling(scan: RawData, factor: float) -> float | None:
    """Give the normalised amplitude from which on a pixel of a scan is saturated, or None.

    Args:
        scan: The scan.
        factor: X / measured amplitude.
    """
    # A little below: amplitudes in single precision are compared with it.
    return None if scan.ceiling is None else scan.ceiling * factor * BELOW_CEILING


def free_bytes() -> float:
    """Tell how much main memory is free, and within the bounds of this process."""
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        free = UNKNOWN_FREE_BYTES
    return min(free, _left_to_this_process())


def _left_to_this_process() -> float:
    """Tell how many bytes a bound on the address space (`ulimit -v`) leaves; infinite without one."""
    try:
        import resource  # There is none on Windows.

        bound, _ = resource.getrlimit(resource.RLIMIT_AS)
        if bound == resource.RLIM_INFINITY:
            return math.inf
        used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, OSError):
        return math.inf
    return max(0, bound - used)


def describe_size(count: float) -> str:
    """Give a number of bytes in words."""
    return f"{count / 2**20:.0f} MB" if count < 2**30 else f"{count / 2**30:.1f} GB"
