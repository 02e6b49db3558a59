"""A file appears whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from ptycho.files.atomic import DiskFullError, copy_file, named_where_full, replacing, write_text

if TYPE_CHECKING:
    from pathlib import Path


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """An exception inside the block leaves the old content and no temporary file."""
    path = tmp_path / "file.txt"
    write_text(path, "old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["file.txt"]


def test_a_failed_write_leaves_no_folder(tmp_path: Path) -> None:
    """Folders that were made for the file go with it, unless somebody else put something there."""

    def fail(path: Path, beside: bool = False) -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            if beside:
                (path.parent / "other").write_text("theirs")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail(tmp_path / "deep" / "deeper" / "file.txt")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ZeroDivisionError):
        fail(tmp_path / "deep" / "file.txt", beside=True)
    assert [item.name for item in tmp_path.rglob("*")] == ["deep", "other"]


def test_the_name_appears_only_at_the_end(tmp_path: Path) -> None:
    """While the block runs, nothing stands at the final name; the suffix is kept."""
    path = tmp_path / "deep" / "file.npz"
    with replacing(path) as temporary:
        temporary.write_bytes(b"1")
        assert not path.exists()
        assert temporary.suffix == ".npz"
    assert path.read_bytes() == b"1"


def test_text_is_written_byte_for_byte(tmp_path: Path) -> None:
    """Newlines are not translated and the text is UTF-8."""
    write_text(tmp_path / "a", "µ\r\n")
    assert (tmp_path / "a").read_bytes() == "µ\r\n".encode()


def test_a_full_disk_is_told_with_sizes(tmp_path: Path) -> None:
    """The message names the file, what was written of it and what is free; the old file is untouched."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    code = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from ptycho.files.atomic import DiskFullError, replacing\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    with replacing(Path(sys.argv[1])) as temporary:\n"
        "        temporary.write_bytes(bytes(5000))\n"
        "except DiskFullError as error:\n    print(error)\n"
    )
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    free = re.search(r"\n  free      (\d+) bytes at ", done.stdout)
    assert free
    assert done.stdout == (
        f"{path} could not be written: File too large\n"
        "  written   1000 bytes\n"
        f"  free      {free[1]} bytes at {tmp_path}\n"
        "  expected  room for the whole file\n"
        "  try       making room, a larger limit (ulimit -f), or another folder\n"
    )
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.bin"]


def test_a_part_that_numpy_wrote_is_a_full_disk(tmp_path: Path) -> None:
    """An error without a number that tells of a part written is named like every full disk."""
    path = tmp_path / "a.tiff"

    def fill() -> None:
        with replacing(path) as temporary:
            temporary.write_bytes(b"half")
            raise OSError("11096 requested and 3976 written")

    with pytest.raises(DiskFullError) as caught:
        fill()
    assert str(caught.value).startswith(f"{path} could not be written: No space left on device\n")
    assert caught.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


def test_a_copy_that_does_not_fit_names_the_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is about the file that could not be made, not about the one that was read."""
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(b"content")
    copy_file(source, target)
    assert target.read_bytes() == b"content"
    assert target.stat().st_mtime_ns == source.stat().st_mtime_ns

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(source))

    monkeypatch.setattr(shutil, "copy2", fail)
    with pytest.raises(DiskFullError, match="b could not be written: No space left on device"):
        copy_file(source, target)


def test_a_disk_without_inodes_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where bytes are free and no further file can be made, the message does not speak of bytes."""
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_files=8, f_favail=0))
    with pytest.raises(DiskFullError) as caught, named_where_full(tmp_path / "a"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert f"\n  free      no further file (the inodes are used up) at {tmp_path}\n" in str(caught.value)
