"""A run folder appears whole or not at all."""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from ptycho.run.folder import building, place_of
from ptycho.run.identity import Identity, epochs_left_in, is_going_on, kind_of


def _fail_after_writing(target: Path, name: str) -> None:
    with building(target) as folder:
        (folder / name).write_text("x")
        raise ZeroDivisionError


def test_a_run_takes_its_name_only_at_the_end(tmp_path: Path) -> None:
    """While the run is going on, its folder has another name."""
    target = tmp_path / "runs" / "a"
    with building(target) as folder:
        (folder / "f").write_text("x")
        assert not target.exists()
    assert [item.name for item in target.parent.iterdir()] == ["a"]
    assert (target / "f").read_text() == "x"


def test_an_earlier_run_is_kept(tmp_path: Path) -> None:
    """A second and a third run under one name leave the first and the second readable."""
    target = tmp_path / "a"
    for text in ("first", "second", "third"):
        with building(target) as folder:
            (folder / "f").write_text(text)
    assert {item.name: (item / "f").read_text() for item in tmp_path.iterdir()} == {
        "a.1": "first",
        "a.2": "second",
        "a": "third",
    }


def test_a_failed_run_leaves_nothing(tmp_path: Path) -> None:
    """Without a checkpoint there is nothing to keep."""
    with pytest.raises(ZeroDivisionError):
        _fail_after_writing(tmp_path / "a", "metrics.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_run_keeps_its_checkpoint(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With a checkpoint the partial folder stays, and the log says how to go on."""
    with caplog.at_level(logging.WARNING), pytest.raises(ZeroDivisionError):
        _fail_after_writing(tmp_path / "a", "last.ckpt")
    partial = tmp_path / "a.partial"
    assert (partial / "last.ckpt").is_file()
    assert caplog.messages == [
        f"the run did not finish; what it reached is in {partial} (resume with --training.resume {partial})"
    ]
    with building(tmp_path / "a") as folder:
        assert folder.name == "a.partial-2"
    assert partial.is_dir()


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    """The error names the file and what to do; the file stays."""
    target = tmp_path / "a"
    target.write_text("mine")
    with pytest.raises(FileExistsError) as caught, building(target):
        pass
    assert str(caught.value) == (
        f"{target} is a file\n"
        "  expected  a folder to write the run into, or a name that is free\n"
        "  try       another output_dir"
    )
    assert target.read_text() == "mine"


def test_a_device_is_no_place_for_a_run() -> None:
    """Neither in the place of a device nor below one a run can be; the advice is another name."""
    for target, what in (
        (Path("/dev/null"), "/dev/null is a file"),
        (Path("/dev/null/run"), "no run can be written beside /dev/null/run: /dev/null is a file"),
    ):
        with pytest.raises(OSError, match="is a file") as caught, building(target):
            pass
        assert str(caught.value).splitlines()[0] == what
        assert str(caught.value).endswith("\n  try       another output_dir")


def test_a_disk_without_room_is_named(tmp_path: Path) -> None:
    """Where there is no room for the first file of a run, it is named, and nothing is left."""
    code = (
        "import resource, sys\nfrom pathlib import Path\nfrom ptycho.run.folder import building\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "try:\n    with building(Path(sys.argv[1])):\n        pass\n"
        "except OSError as error:\n    print(error)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    unnamed = tmp_path / "a.partial" / ".run.json"
    assert done.stdout.startswith(f"{unnamed} could not be written: File too large\n")
    assert list(tmp_path.iterdir()) == []


def test_a_run_says_who_it_is(tmp_path: Path) -> None:
    """A run folder holds a small file with program, kind, time and process."""
    with building(tmp_path / "a", Identity("inference")) as folder:
        assert is_going_on(folder)
    facts = json.loads((tmp_path / "a" / "run.json").read_text())
    assert facts["program"] == "ptychopinn"
    assert facts["kind"] == "inference"
    assert facts["process"] == os.getpid()
    assert not is_going_on(tmp_path / "a")


def move_away(folder: Path, *, again: bool) -> None:
    """Rename a folder, and perhaps make another one with its name, as a late writer does."""
    folder.rename(folder.with_name("elsewhere"))
    if again:
        folder.mkdir()
        (folder / "report.md").touch()


@pytest.mark.parametrize("again", [True, False])
def test_a_folder_that_was_renamed_is_no_run(again: bool, tmp_path: Path) -> None:
    """What was written by then is not in the folder: it does not get the name of a whole run."""
    folder = tmp_path / "a.partial"
    with pytest.raises(FileNotFoundError) as caught, building(tmp_path / "a"):
        move_away(folder, again=again)
    assert str(caught.value) == (
        f"{folder} was renamed or removed by somebody while the run went on: the run is not whole\n"
        "  expected  the folder where it was until the run has its name\n"
        f"  try       the name a.partial for it again, and ptycho finish {folder}, "
        "where it holds a network or a checkpoint"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["elsewhere"]


def test_a_run_that_took_the_name_is_not_touched(tmp_path: Path) -> None:
    """Who renames a folder may begin another run of the name: it goes on, whatever becomes of the first."""
    target, partial = tmp_path / "a", tmp_path / "a.partial"
    with ExitStack() as stack:
        with pytest.raises(FileNotFoundError, match="the run is not whole"), building(target):
            stack.enter_context(building(partial.rename(tmp_path / "elsewhere").with_name("a")))
        assert is_going_on(partial)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "elsewhere"}


def test_an_identity_may_learn_more(tmp_path: Path) -> None:
    """Written anew, it is locked as before, and says what it said; the folder is known by it."""
    identity = Identity()
    with identity.holding(tmp_path):
        identity.write(tmp_path, epochs_left=3)
        assert is_going_on(tmp_path)
        assert identity.is_in(tmp_path)
        assert (epochs_left_in(tmp_path), kind_of(tmp_path)) == (3, "training")
        (tmp_path / "run.json").unlink()
        assert not identity.is_in(tmp_path)
        identity.write(tmp_path)
    assert not is_going_on(tmp_path)
    assert epochs_left_in(tmp_path) == 3


@pytest.mark.parametrize("kind", ["reconstruction", "inference", "conversion"])
def test_leftovers_of_kills_go_with_the_next_run(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What a killed run of any kind left is removed when the next one of its name is whole, and told."""
    left = tmp_path / "a.partial"
    left.mkdir()
    (left / "reconstruction.npz").touch()
    with Identity(kind).holding(left):
        pass
    with caplog.at_level(logging.INFO), building(tmp_path / "a", Identity(kind)):
        assert left.is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert caplog.messages == [f"{left} held nothing to go on from and was removed"]


def test_nobodys_folder_is_renamed(tmp_path: Path) -> None:
    """A folder with files that no run wrote is refused before anything is computed, and stays as it is."""
    target = tmp_path / "photos"
    target.mkdir()
    (target / "cat.png").write_bytes(b"meow")
    with pytest.raises(FileExistsError) as caught, building(target):
        pass
    assert str(caught.value) == (
        f"{target} is a folder with files, and no run: it is not touched\n"
        "  expected  a folder to write the run into, or a name that is free\n"
        f"  try       output_dir = {target / 'run'}"
    )
    assert [item.name for item in tmp_path.rglob("*")] == ["photos", "cat.png"]


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    """A folder that holds nothing is where the run goes; nothing is left beside it."""
    (tmp_path / "a").mkdir()
    with building(tmp_path / "a") as folder:
        (folder / "f").write_text("x")
    assert [item.name for item in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a" / "f").is_file()


@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_means_what_it_leads_to(tmp_path: Path, dangling: bool) -> None:
    """The run appears at the end of the link, and the link stays; the end may not be there yet."""
    real, link = tmp_path / "disk" / "runs", tmp_path / "link"
    if not dangling:
        real.mkdir(parents=True)
    link.symlink_to(real)
    with building(link) as folder:
        (folder / "f").write_text("x")
    assert link.is_symlink()
    assert (real / "f").read_text() == (link / "f").read_text() == "x"
    assert [item.name for item in real.parent.iterdir()] == ["runs"]


def test_the_current_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that a shell stands in is not pulled away from under it."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileExistsError, match=r"^\. is the current folder, which cannot be replaced"):
        place_of(Path())
    with pytest.raises(FileExistsError, match="is a mount point, which cannot be renamed"):
        place_of(Path("/"))


def test_two_runs_at_once_have_two_folders(tmp_path: Path) -> None:
    """Two runs under one name each write into a folder of their own; the one that ends last has the name."""
    target = tmp_path / "a"
    with building(target) as first:
        with building(target) as second:
            (second / "f").write_text("second")
        (first / "f").write_text("first")
    assert {item.name: (item / "f").read_text() for item in tmp_path.iterdir()} == {
        "a": "first",
        "a.1": "second",
    }


def test_a_lock_goes_with_its_process(tmp_path: Path) -> None:
    """A process that is killed leaves a run that is not going on."""
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom ptycho.run.folder import building\n"
        "with building(Path(sys.argv[1])):\n    print('ready', flush=True)\n    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert is_going_on(tmp_path / "a.partial")
        process.kill()
    assert not is_going_on(tmp_path / "a.partial")


def test_a_run_that_cannot_take_its_name_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the rename fails at the end, the error says where the run lies."""

    def busy(_path: Path, _target: Path) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")

    target = tmp_path / "a"
    monkeypatch.setattr(Path, "rename", busy)
    with pytest.raises(OSError, match="the run is whole") as caught, building(target) as folder:
        (folder / "f").write_text("x")
    partial = tmp_path / "a.partial"
    assert str(caught.value) == (
        f"the run is whole and lies in {partial}; it cannot be named {target}: Device or resource busy\n"
        "  expected  a name that it can take\n"
        f"  try       mv {partial} NAME"
    )
    assert (partial / "f").is_file()


def test_a_parent_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """Before anything is computed, the error says where a folder is needed."""
    (tmp_path / "file").write_text("mine")
    target = tmp_path / "file" / "a"
    with pytest.raises(OSError, match="no run can be written beside") as caught, building(target):
        pass
    assert str(caught.value) == (
        f"no run can be written beside {target}: {tmp_path / 'file'} is a file\n"
        f"  expected  a folder to write into at {tmp_path / 'file'}\n"
        "  try       another output_dir"
    )


UNSHARE = shutil.which("unshare")
MOUNTS = """\
set -e
mount -t tmpfs none {0}/disk
mkdir {0}/disk/sub {0}/bound {0}/readonly
mount --bind {0}/disk/sub "{0}/bound"
mount -t tmpfs -o ro none {0}/readonly
cd {0}
exec {1} -c '{2}'
"""
MAKE = """\
import os, sys
from pathlib import Path
from ptycho.run.folder import building
for name in ("disk", "bound", "readonly/a", "disk/a", "link/b", "/proc/a"):
    try:
        with building(Path(name)) as folder:
            (folder / "f").write_text("x")
        print(name, "written", (Path(name) / "f").is_file())
    except OSError as error:
        print(name, "refused", str(error).splitlines()[0], "|", str(error).splitlines()[-1].strip())
print(sorted(os.listdir(".")), sorted(os.listdir("disk")))
"""


@pytest.mark.skipif(UNSHARE is None, reason="mounts are made in a namespace of their own, by unshare")
def test_on_real_mounts(tmp_path: Path) -> None:
    """A mounted disk takes a run; in place of a mount point, or on a read-only disk, it is refused."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    script = MOUNTS.format(tmp_path, sys.executable, MAKE)
    done = subprocess.run(
        [str(UNSHARE), "-m", "bash", "-c", script], check=False, capture_output=True, text=True
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no mounts can be made here: {done.stderr.splitlines()[-1]}")
    beside = f"no run can be written beside {tmp_path}/readonly/a: Read-only file system"
    nowhere = "no run can be written beside /proc/a: No such file or directory"
    assert done.stdout.splitlines() == [
        "disk refused disk is a mount point, which cannot be renamed | try       output_dir = disk/run",
        "bound refused bound is a mount point, which cannot be renamed | try       output_dir = bound/run",
        f"readonly/a refused {beside} | try       another output_dir",
        "disk/a written True",
        "link/b written True",
        f"/proc/a refused {nowhere} | try       another output_dir",
        "['bound', 'disk', 'link', 'readonly'] ['a', 'b', 'sub']",
    ], done.stderr
