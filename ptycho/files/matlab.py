"""Arrays in MATLAB's files of version 5, read by scipy; those of version 7.3 are HDF5."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MatFile"]

Array = np.ndarray[Any, Any]

DEEPEST = 6
"""Structures inside each other that are looked into."""


_TRIAL = "import sys; from scipy.io import loadmat; loadmat(sys.argv[1], struct_as_record=True)"


def _require_survivable(path: Path) -> None:
    """Let a child read the file first: on some damaged ones scipy's compiled reader ends its process.

    Raises:
        ScanError: It did.
    """
    words = [sys.executable, "-c", _TRIAL, str(path)]
    code = subprocess.run(words, check=False, capture_output=True).returncode
    if code < 0:
        raise ScanError(
            error_text(
                f"{path} cannot be read as a MATLAB file (its reader was ended by signal {-code})",
                expected="a whole MATLAB file of version 5",
                hint="copy the file again; an interrupted copy looks like this",
            )
        )


class MatFile:
    """A MATLAB file of version 5; fields of structures are keys below them: "p/lambda".

    Attributes:
        path: The file.

    Raises:
        ScanError: It is none, or not a whole one.
    """

    def __init__(self, path: Path) -> None:
        from scipy.io import loadmat
        from scipy.io.matlab import MatReadError

        self.path = path
        _require_survivable(path)
        try:
            content = loadmat(str(path), struct_as_record=True, squeeze_me=False)
        # What scipy raises for a damaged file depends on where it is damaged.
        except (
            MatReadError,
            ValueError,
            TypeError,
            KeyError,
            IndexError,
            OSError,
            EOFError,
            OverflowError,
            MemoryError,
            NotImplementedError,
            struct.error,
            zlib.error,
        ) as error:
            raise ScanError(
                error_text(
                    f"{path} cannot be read as a MATLAB file ({str(error) or type(error).__name__})",
                    expected="a whole MATLAB file of version 5",
                    hint="copy the file again; an interrupted copy looks like this",
                )
            ) from error
        self._arrays: dict[str, Array] = {}
        for name, value in content.items():
            if not name.startswith("__"):
                self._take(name, value, 0)

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of all numerical arrays."""
        return tuple(self._arrays)

    def read(self, key: str) -> Array:
        """Give one array in MATLAB's order of axes.

        Raises:
            ScanError: There is none.
        """
        if key not in self._arrays:
            raise ScanError(
                error_text(f"there is no '{key}' in {self.path}", known=", ".join(self.keys[:40]))
            )
        return self._arrays[key]

    def _take(self, name: str, value: Any, depth: int) -> None:
        array = np.asarray(value)
        if array.dtype.names is not None and array.size == 1 and depth < DEEPEST:
            for field in array.dtype.names:
                self._take(f"{name}/{field}", array.reshape(-1)[0][field], depth + 1)
        elif array.dtype.kind in "biufc":
            self._arrays[name] = array
