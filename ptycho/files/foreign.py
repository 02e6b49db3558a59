"""One guard around whatever reads a file that we did not write."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ptycho.errors import ScanError
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["BY_CONTENT", "named", "naming", "require_regular"]

BY_CONTENT = (
    RuntimeError,  # HDF5's library for whatever it cannot follow; RecursionError is one.
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    ArithmeticError,
    OSError,
)
"""What libraries raise about content that nobody thought of."""


def require_regular(path: Path) -> None:
    """Refuse to open a pipe or a device: one may wait for ever, the other never ends.

    What is not there, and folders, are refused by whoever opens them.

    Raises:
        ScanError: It is no file.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise ScanError(
            error_text(
                f"{path} is a pipe or a device, and no file",
                expected="a file on a disk",
                hint="writing what comes through it into a file",
            )
        )


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn whatever the content of a file makes libraries raise into one error that names the file.

    Errors about a scan, and those of the system about a file, say enough themselves and pass.

    Args:
        path: The file that is read in the block.

    Raises:
        ScanError: The content cannot be used.
        MemoryError: There is no room for it.
    """
    try:
        yield
    except BY_CONTENT as error:
        raise named(error, path) from error


def named(error: Exception, path: Path) -> Exception:
    """Give the error that names the file: a ScanError, one of memory, or the error where it says enough.

    Args:
        error: What reading the file raised.
        path: The file.
    """
    if isinstance(error, ScanError):
        return error
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        # Frames are mapped: the system refuses that where memory or its limit (ulimit -v) is short.
        return MemoryError(f"{path} does not fit into the memory")
    if isinstance(error, OSError) and (error.filename is not None or str(path) in str(error)):
        return error
    reason = str(error).strip().partition("\n")[0] or "no reason given"
    return ScanError(
        error_text(
            f"{path} cannot be read: {type(error).__name__}: {reason[:300]}",
            expected="a whole scan; `ptycho formats` lists what is known",
            hint="copy the file again; an interrupted copy looks like this",
        )
    )
