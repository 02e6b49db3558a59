"""Pages of mapped files: looked at once, handed back."""

import mmap
from typing import Any

import numpy as np

__all__ = ["release_pages"]


def release_pages(array: np.ndarray[Any, Any]) -> None:
    """Hand the pages of a read-only mapped array back to the system; what was read stays in the file's cache.

    A pass over a scan would otherwise keep every page that it touched, and count as that much memory. Arrays
    that are not mapped from a file, or whose map could hold changes, are left alone.

    Args:
        array: Any array, or a view of one.
    """
    if not isinstance(array, np.memmap) or array.mode != "r":
        return
    owner: object = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        owner.madvise(mmap.MADV_DONTNEED)
