"""What stands at the place of a new file."""

from __future__ import annotations

import errno
import logging
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ptycho.files.atomic import DiskFullError, named_where_full
from ptycho.files.earlier import first_free, keeping_earlier, require_other_file

if TYPE_CHECKING:
    from pathlib import Path


def _write(target: Path, text: str) -> None:
    with keeping_earlier(target) as written:
        assert written.parent == target.resolve().parent
        assert written.suffix == target.suffix
        written.write_text(text)


def test_every_earlier_file_is_kept(tmp_path: Path) -> None:
    """Whatever was written before stands beside it, numbered; the same content again is no other file."""
    target = tmp_path / "out.npz"
    for text in ("first", "second", "second", "third"):
        _write(target, text)
    contents = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert contents == {"out.npz": "third", "out.npz.1": "first", "out.npz.2": "second"}


def test_a_link_is_followed(tmp_path: Path) -> None:
    """The file that a link leads to is kept and made anew, and the link stays one."""
    real, link = tmp_path / "real.npz", tmp_path / "link.npz"
    real.write_text("before")
    link.symlink_to(real.name)
    _write(link, "after")
    assert link.is_symlink()
    assert real.read_text() == "after"
    assert (tmp_path / "real.npz.1").read_text() == "before"


def test_a_failure_changes_nothing(tmp_path: Path) -> None:
    """Where the writer fails, the earlier file is what it was and nothing lies beside it."""
    target = tmp_path / "out.npz"
    target.write_text("before")
    with pytest.raises(UnicodeEncodeError):
        _write(target, "half \ud800")
    assert [path.name for path in tmp_path.iterdir()] == ["out.npz"]
    assert target.read_text() == "before"


WRITER = """
import sys, time
from pathlib import Path
from ptycho.files.atomic import replacing
from ptycho.files.earlier import keeping_earlier
with keeping_earlier(Path(sys.argv[1])) as written, replacing(written) as temporary:
    temporary.write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


def test_what_a_kill_left_goes_with_the_next(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Files of a living writer stay, those of a killed one are removed and told, and nobody else's."""
    target, others = tmp_path / "out.npz", {".out-draft.npz", ".other-01234567.npz", "out-01234567.npz"}
    for name in others:
        (tmp_path / name).touch()
    command = [sys.executable, "-c", WRITER, str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        _write(target, "first")
        temporary = {path.name for path in tmp_path.iterdir()} - others - {"out.npz"}
        assert len(temporary) == 2
        process.kill()
    with caplog.at_level(logging.INFO):
        _write(target, "first")
    assert {path.name for path in tmp_path.iterdir()} == others | {"out.npz"}
    told = {f"{tmp_path / name}, which a process left that was ended, was removed" for name in temporary}
    assert set(caplog.messages) == told


def test_nothing_is_no_file(tmp_path: Path) -> None:
    """A writer that writes nothing leaves nothing, and that is an error."""
    with pytest.raises(FileNotFoundError, match="nothing was written"), keeping_earlier(tmp_path / "out.npz"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A folder at the place is named, and stays."""
    (tmp_path / "out.npz").mkdir()
    with pytest.raises(IsADirectoryError, match=r"out\.npz is a folder"):
        _write(tmp_path / "out.npz", "text")


def test_names_count_links_to_nothing(tmp_path: Path) -> None:
    """A name that a broken link has is not free."""
    (tmp_path / "out.1").symlink_to("nowhere")
    assert first_free(tmp_path / "out") == tmp_path / "out.2"


@pytest.mark.parametrize("how", ["name", "link", "hard link", "another way"])
def test_a_source_is_known_by_any_name(tmp_path: Path, how: str) -> None:
    """A file is refused as a target while it is read, whichever name leads to it."""
    source = tmp_path / "scan.npz"
    source.write_text("measured")
    target = tmp_path / "other.npz"
    if how == "link":
        target.symlink_to(source)
    elif how == "hard link":
        target.hardlink_to(source)
    else:
        target = source if how == "name" else tmp_path / ".." / tmp_path.name / "scan.npz"
    with pytest.raises(FileExistsError, match="over its own source"):
        require_other_file(target, [tmp_path / "absent", source], "--to other")
    require_other_file(tmp_path / "free.npz", [source], "--to other")


def test_a_full_disk_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    """Where the new file does not fit, the message speaks of its final name, and what stood there stays."""
    target = tmp_path / "a.h5"
    target.write_text("earlier")

    def fill() -> None:
        with keeping_earlier(target) as written, named_where_full(written):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskFullError, match="No space left on device") as caught:
        fill()
    assert str(caught.value).startswith(f"{target} could not be written: ")
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]
