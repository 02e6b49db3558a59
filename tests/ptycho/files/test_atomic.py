"""A file appears whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ptycho.files.atomic import replacing, write_text

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
