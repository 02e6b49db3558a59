"""By what a scan is known again: its positions, and its frames or some of them, as they stand in the file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptycho.scan.frames import FrameStack

__all__ = ["fingerprint"]

_READ_BYTES = 2**24
"""A scan of 1,000 frames of 64 x 64 floats is read whole, in 20 ms; of a larger one as much."""

_FEWEST = 8
"""Frames that are read however large they are."""


def fingerprint(frames: FrameStack, x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    """Give what differs between two scans and is the same in every copy of one, whatever its file is called.

    Nothing that is computed goes in: sums may differ in their last bits from one processor to the next.

    Args:
        frames: The frames; of those that are many, some at equal distances are read.
        x: Positions as given, shape (n,).
        y: Likewise.

    Returns:
        32 hexadecimal digits.
    """
    shape = (len(frames), *frames.raw.shape[1:])
    frame_bytes = max(int(np.prod(shape[1:])) * frames.raw.dtype.itemsize, 1)
    count = min(len(frames), max(_FEWEST, _READ_BYTES // frame_bytes))
    rows = np.linspace(0, len(frames) - 1, count).astype(np.int64)
    digest = hashlib.blake2b(f"{shape} {frames.raw.dtype.str}".encode(), digest_size=16)
    for axis in (x, y):
        digest.update(np.ascontiguousarray(axis, np.float64).tobytes())
    for row in rows:
        digest.update(np.ascontiguousarray(frames.select(frames.raw, np.array([row]))).tobytes())
    return digest.hexdigest()
