"""Scan files, opened once."""

from __future__ import annotations

import bz2
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho.errors import ScanError
from ptycho.files import npz
from ptycho.scan.file_kinds import MAGIC, PACKED
from ptycho.scan.scan_file import ScanFile, open_scan, opened_once
from ptycho.scan.scan_format import read_contents


def test_bzip2_is_unpacked(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """A file compressed as a whole is read, and leaves nothing behind that it needs."""
    plain = npz.write("scan.npz", scan_arrays, compressed=False)
    Path("scan.npz.bz2").write_bytes(bz2.compress(plain.read_bytes()))
    contents = read_contents(Path("scan.npz.bz2"))
    np.testing.assert_array_equal(contents.arrays["diff3d"], scan_arrays["diff3d"])
    assert not isinstance(contents.arrays["diff3d"], np.memmap)


def test_damaged_bzip2_is_refused(jail: Path) -> None:
    """A file that only begins like bzip2 is refused, and a missing one is not found."""
    path = Path("scan.npz.bz2")
    with pytest.raises(FileNotFoundError) as missing:
        read_contents(path)
    expected = "a scan file of any kind that `ptycho formats` lists"
    assert str(missing.value) == f"scan file not found: scan.npz.bz2\n  expected  {expected}"
    path.write_bytes(b"BZh91AY no more of it")
    with pytest.raises(ScanError) as caught:
        read_contents(path)
    assert str(caught.value).startswith("scan.npz.bz2 is not a bzip2 file (")
    assert str(caught.value).endswith(
        "\n  expected  an .npz file, or one compressed by bzip2, gzip or xz\n"
        "  try       copy the file again; an interrupted copy looks like this"
    )


@pytest.mark.parametrize(("container", "place", "magic"), [kind for kind in MAGIC if kind[0] not in PACKED])
def test_the_first_bytes_tell_the_kind(tmp_path: Path, container: str, place: int, magic: bytes) -> None:
    """A file is of the kind that its first bytes say, whatever it is called."""
    path = tmp_path / "scan.dat"
    path.write_bytes(b"\x01" * place + magic + bytes(8))
    assert ScanFile(path).container == container


def test_text_is_told_from_bytes(tmp_path: Path) -> None:
    """A file of printable characters is text; an empty one is empty, one of other bytes unknown."""
    for content, container in ((b"x,y\n1,2\r\n", "text"), (b"", "empty"), (b"\x00\x01", "unknown")):
        (tmp_path / "file").write_bytes(content)
        assert ScanFile(tmp_path / "file").container == container


def test_a_run_opens_a_file_once(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """Within a run every look at a file is a look at the same open one; after it the file is closed."""
    path = npz.write("scan.npz", scan_arrays)
    with opened_once():
        first = open_scan(path)
        stream = first._stream
        assert open_scan(path) is first
        del first
        assert not stream.closed
    assert stream.closed


def test_a_file_that_changed_is_opened_again(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """A file that was replaced since is another file, also under its old name."""
    path = npz.write("scan.npz", scan_arrays)
    with opened_once():
        before = open_scan(path)
        npz.write(path, {**scan_arrays, "hot": np.ones(3)})
        assert "hot" not in before.keys
        assert "hot" in open_scan(path).keys


def test_an_open_file_serves_every_reader(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """A file stays open while somebody reads from it, and no longer."""
    path = npz.write("scan.npz", scan_arrays)
    held = open_scan(path)
    stream = held._stream
    assert open_scan(path) is held
    del held
    assert stream.closed


def test_what_is_mapped_outlives_the_file(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """Frames that were mapped are there when the file is closed and gone."""
    path = npz.write("scan.npz", scan_arrays, compressed=False)
    frames = open_scan(path).frames("diff3d")
    path.unlink()
    np.testing.assert_array_equal(frames, scan_arrays["diff3d"])
