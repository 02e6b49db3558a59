"""What libraries raise about a file of unknown origin becomes one error that names it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ptycho.errors import ScanError
from ptycho.files.foreign import named, naming
from ptycho.files.hdf5 import Hdf5File
from ptycho.files.npy import map_npy, read_npy
from ptycho.files.npz import NpzFile
from ptycho.scan.mask import load_bad_pixels
from ptycho.scan.raw_data import RawData
from ptycho.scan.scan_file import open_scan


@pytest.mark.parametrize("error", [KeyError("a"), RecursionError("deep"), OSError(errno.EINVAL, "Invalid")])
def test_the_file_is_named(error: Exception, tmp_path: Path) -> None:
    """Whatever its content made a library raise, the error names the file and the kind of trouble."""
    path = tmp_path / "scan.npz"
    with pytest.raises(ScanError) as caught, naming(path):
        raise error
    assert str(caught.value).startswith(f"{path} cannot be read: {type(error).__name__}: ")


def test_what_says_enough_passes(tmp_path: Path) -> None:
    """An error of the system that names the file stays what it is."""
    error = PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "scan.npz"))
    assert named(error, tmp_path / "scan.npz") is error


def test_no_memory_is_no_damage(tmp_path: Path) -> None:
    """Where the system has no room to map a file, the file is not blamed."""
    path = tmp_path / "scan.npz"
    error = named(OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), path)
    assert isinstance(error, MemoryError)
    assert str(error) == f"{path} does not fit into the memory"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("read", [NpzFile, Hdf5File, read_npy, map_npy, open_scan, RawData.from_file])
def test_a_pipe_is_refused_at_once(read: Callable[[Path], object], tmp_path: Path) -> None:
    """No reader waits for what somebody may never write, whatever the pipe is called."""
    path = tmp_path / "scan.npz"
    os.mkfifo(path)
    with pytest.raises(ScanError, match=r"scan\.npz is a pipe or a device, and no file"):
        read(path)


def test_a_pipe_is_no_mask(tmp_path: Path) -> None:
    """What is named beside a scan is asked, too."""
    path = tmp_path / "beside.npy"
    os.mkfifo(path)
    with pytest.raises(ScanError, match=r"beside\.npy"):
        load_bad_pixels(str(path), (4, 4), None)
