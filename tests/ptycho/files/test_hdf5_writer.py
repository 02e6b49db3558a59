"""An HDF5 file appears whole or not at all, and a full disk is one error."""

from __future__ import annotations

import errno
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.files.hdf5_writer import _ForgivingFile, creating_hdf5

h5py = pytest.importorskip("h5py")


class FillingDisk(io.BytesIO):
    """A disk that takes what fits, and then no more.

    Args:
        room: Its size in bytes.
    """

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        """Take a part of the data, as a disk does."""
        fitting = self.room - self.tell()
        if fitting <= 0 and len(data):
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data[:fitting])


WRITES = st.lists(st.tuples(st.integers(0, 200_000), st.binary(max_size=300)), max_size=20)


@given(WRITES, st.integers(0, 200_000), st.integers(0, 400))
def test_what_was_written_is_read_back(writes: list[tuple[int, bytes]], room: int, size: int) -> None:
    """However little fits on the disk, HDF5 reads what it wrote; the failure is kept for later."""
    file, model = _ForgivingFile(FillingDisk(room)), io.BytesIO()
    for place, data in writes:
        for target in (file, model):
            target.seek(place)
            assert target.write(data) == len(data)
    assert (file.failure is not None) == any(place + len(data) > room for place, data in writes if data)
    for place in (0, *(place for place, _ in writes)):
        buffer = bytearray(size)
        file.seek(place)
        file.readinto(buffer)
        model.seek(place)
        assert bytes(buffer) == model.read(size).ljust(size, b"\0")


def test_a_new_file_is_read_by_anybody(tmp_path: Path) -> None:
    """Groups, links, attributes and chunks come back as they were written; an earlier file is replaced."""
    path = tmp_path / "deep" / "a.h5"
    frames = np.arange(24.0).reshape(2, 3, 4)
    for _ in range(2):
        with creating_hdf5(path) as new:
            new.content.create_dataset("a/b", data=frames, chunks=(1, 3, 4))
            new.content["c"] = h5py.SoftLink("/a/b")
            new.content.attrs["name"] = "µ"
            assert not list(path.parent.glob("b.h5"))
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["c"][()], frames)
        assert file.attrs["name"] == "µ"
    assert [item.name for item in path.parent.iterdir()] == ["a.h5"]


def test_an_error_of_the_writer_leaves_nothing(tmp_path: Path) -> None:
    """What is raised while the file is written comes through, and no file is left."""
    with pytest.raises(ZeroDivisionError), creating_hdf5(tmp_path / "a.h5") as new:
        new.content["x"] = 1 / 0
    assert list(tmp_path.iterdir()) == []


FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from ptycho.files.atomic import DiskFullError
from ptycho.files.hdf5_writer import creating_hdf5

path = Path(sys.argv[1])
for limit in (0, 100, 2_000, 30_000, 400_000, 800_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    try:
        with creating_hdf5(path) as new:
            new.content["first"] = np.arange(100.0)
            frames = new.content.create_dataset("frames", (100, 32, 32), "f8", chunks=(1, 32, 32))
            for number in range(100):
                frames[number] = number
                new.require_room()
    except DiskFullError as error:
        print(limit, str(error).splitlines()[0])
"""


def test_a_full_disk_is_one_error(tmp_path: Path) -> None:
    """Wherever the disk fills up, the file is named, nothing is left, and the process lives on."""
    path = tmp_path / "a.h5"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"{limit} {path} could not be written: File too large"
        for limit in (0, 100, 2_000, 30_000, 400_000, 800_000)
    ]
    assert list(tmp_path.iterdir()) == []
