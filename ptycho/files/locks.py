"""A file is locked while a process works on it: the system takes the lock back, however that ends."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import IO, TYPE_CHECKING

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from pathlib import Path


def lock(file: IO[bytes]) -> None:
    """Lock an open file until it is closed, where the system can; another lock on it is waited for."""
    if sys.platform != "win32":
        with suppress(OSError):  # A file system without locks.
            fcntl.flock(file, fcntl.LOCK_EX)


def is_locked(path: Path, *, otherwise: bool) -> bool:
    """Tell whether a living process has locked a file.

    Args:
        path: The file.
        otherwise: The answer where that cannot be known: the file system has no locks.
    """
    if sys.platform == "win32":
        return otherwise
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return otherwise
    return False
