"""Of several attempts at a run the newest goes on, and one that was made otherwise is never mixed in."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from ptycho.run.attempts import (
    attempts_at,
    bundle_of_attempt,
    is_unfinished,
    newest_attempt,
    outlived,
    require_nobody_at_work,
    require_same_training,
    run_of,
    taken_up,
)
from ptycho.run.folder import building
from ptycho.run.identity import remove_run
from ptycho.run.leftovers import remove_fruitless, remove_obsolete
from ptycho.run.record import LAST_CHECKPOINT, SETTINGS, read_settings
from ptycho.run.resolve import resolve_run


def attempt(folder: Path, second: int, *, seed: int = 0, nepochs: int = 5) -> Path:
    """Leave a folder with a checkpoint of a time, and the settings of its training."""
    folder.mkdir()
    (folder / SETTINGS).write_text(f"[training]\nseed = {seed}\nnepochs = {nepochs}\n")
    (folder / LAST_CHECKPOINT).touch()
    os.utime(folder / LAST_CHECKPOINT, (second, second))
    return folder


def test_the_newest_of_all_attempts_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The folder with the newest checkpoint, final or partial, is named with its time and the others'."""
    attempt(tmp_path / "a", 60)
    attempt(tmp_path / "a.partial", 180)
    attempt(tmp_path / "a.partial-2", 120)
    attempt(tmp_path / "ab.partial", 999)
    with caplog.at_level(logging.INFO, logger="ptycho.run.attempts"):
        newest = newest_attempt(tmp_path / "a")
    assert newest is not None
    assert newest.folder == tmp_path / "a.partial"
    others = "a.partial-2 (1970-01-01 00:02:00 UTC), a (1970-01-01 00:01:00 UTC)"
    where = f"{tmp_path / 'a.partial'} (1970-01-01 00:03:00 UTC)"
    assert caplog.messages == [f"{where} is the newest of the attempts; older: {others}"]


def test_a_name_of_an_attempt_means_that_one(tmp_path: Path) -> None:
    """Who names a partial folder means it, also where there are newer ones."""
    attempt(tmp_path / "a.partial", 60)
    attempt(tmp_path / "a.partial-2", 120, seed=1)
    named = newest_attempt(tmp_path / "a.partial")
    assert named is not None
    assert named.folder == tmp_path / "a.partial"
    assert newest_attempt(tmp_path / "b") is None


def test_attempts_that_disagree_are_refused(tmp_path: Path) -> None:
    """Another seed is another training: both folders are named, with what differs and what to do."""
    newer, older = attempt(tmp_path / "a.partial", 120, seed=1, nepochs=9), attempt(tmp_path / "a", 60)
    with pytest.raises(ValueError, match="two attempts disagree") as caught:
        newest_attempt(tmp_path / "a")
    assert str(caught.value) == (
        "two attempts disagree about the training to go on with: training.seed = 1 (there 0)\n"
        f"  newer     {newer}, 1970-01-01 00:02:00 UTC\n"
        f"  older     {older}, 1970-01-01 00:01:00 UTC\n"
        "  expected  attempts with the same settings\n"
        f"  try       --training.resume {newer / LAST_CHECKPOINT}, or moving one of the two folders away"
    )


def test_what_is_going_on_is_left_alone(tmp_path: Path) -> None:
    """A run that a living process makes is no attempt to go on from."""
    with building(tmp_path / "a") as folder:
        (folder / LAST_CHECKPOINT).touch()
        assert attempts_at(tmp_path / "a") == []
    assert [found.folder for found in attempts_at(tmp_path / "a")] == [tmp_path / "a"]


def test_a_run_in_the_making_is_not_resumed(tmp_path: Path) -> None:
    """While a process makes a run, a second one that wants to go on from it is refused, and told by whom."""
    with building(tmp_path / "a") as folder:
        with pytest.raises(FileExistsError) as caught:
            require_nobody_at_work(tmp_path / "a")
        assert str(caught.value).startswith(f"{folder} is still going on: process {os.getpid()} on ")
        assert "  try       waiting for its end, or another output_dir" in str(caught.value)
    require_nobody_at_work(tmp_path / "a")


def test_fruitless_attempts_are_removed(tmp_path: Path) -> None:
    """Attempts of the run that left nothing to go on from go; others, and folders that are no runs, stay."""
    attempt(tmp_path / "a.partial", 60)
    for name, mark in (("a.partial-2", "run.json"), ("b.partial", "run.json"), ("a.partial-3", "mine.txt")):
        (tmp_path / name).mkdir()
        (tmp_path / name / mark).touch()
    with building(tmp_path / "a"):
        remove_fruitless(tmp_path / "a")
        assert (tmp_path / "a.partial-4").is_dir()
    assert {path.name for path in tmp_path.iterdir()} == {"a", "a.partial", "a.partial-3", "b.partial"}


def test_a_removal_that_was_cut_short_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a kill leaves of a folder that is being removed is removed the next time."""
    (attempt(tmp_path / "a.partial", 60) / "run.json").touch()
    (tmp_path / "a.partial" / "tensorboard").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rmdir", interrupt)
        with pytest.raises(KeyboardInterrupt):
            remove_run(tmp_path / "a.partial")
    assert [path.name for path in (tmp_path / "a.partial").iterdir()] == []
    (tmp_path / "a.partial" / "run.json").touch()
    remove_fruitless(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def interrupt(_path: Path) -> None:
    """Stand for a kill."""
    raise KeyboardInterrupt


def test_other_settings_do_not_go_on(tmp_path: Path) -> None:
    """Settings that change the weights are refused by name; others, and where the scan lies, may change."""
    resolution = resolve_run("train", overrides={"seed": 3, "nepochs": 9, "n_groups": 8, "threads": 2})
    left = attempt(tmp_path / "a.partial", 60, seed=3)
    require_same_training(attempts_at(tmp_path / "a"), resolution, tmp_path / "a")
    (left / SETTINGS).write_text('[training]\nseed = 3\ntrain_data_file = "moved.npz"\n')
    require_same_training(attempts_at(tmp_path / "a"), resolution, tmp_path / "a")
    (left / SETTINGS).write_text("[training]\nseed = 4\nbatch_size = 5\n[execution]\nthreads = 1\n")
    with pytest.raises(ValueError, match="with other settings") as caught:
        require_same_training(attempts_at(tmp_path / "a"), resolution, tmp_path / "a")
    assert str(caught.value) == (
        f"the run cannot go on from {left} with other settings: training.batch_size = 16 (there 5), "
        "training.seed = 3 (there 4)\n"
        "  expected  the settings that the attempt was made with\n"
        f"  try       ptycho finish {left}, to go on with those; "
        f"--training.resume {left / LAST_CHECKPOINT}, to go on with these"
    )


def test_a_network_without_checkpoint_is_found(tmp_path: Path) -> None:
    """The newest unfinished attempt with a bundle and no checkpoint; none that is being made."""
    for name, second in (("a", 500), ("a.partial", 60), ("a.partial-2", 120)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "wts.h5.zip").touch()
        os.utime(tmp_path / name / "wts.h5.zip", (second, second))
    assert bundle_of_attempt(tmp_path / "a") == tmp_path / "a.partial-2"
    assert bundle_of_attempt(tmp_path / "a.partial") == tmp_path / "a.partial"
    (tmp_path / "a.partial-2" / LAST_CHECKPOINT).touch()
    assert bundle_of_attempt(tmp_path / "a") == tmp_path / "a.partial"
    assert bundle_of_attempt(tmp_path / "b") is None


def test_only_what_was_taken_up_is_removed(tmp_path: Path) -> None:
    """Older attempts with the same settings go; a newer one, one of another seed and other runs stay."""
    for name, second, seed in (
        ("a.partial", 60, 0),
        ("a.partial-2", 120, 0),
        ("a.partial-3", 90, 1),
        ("a.partial-4", 180, 0),
        ("b.partial", 30, 0),
    ):
        attempt(tmp_path / name, second, seed=seed)
    remove_obsolete(taken_up(tmp_path / "a.partial-2", tmp_path / "a"))
    assert {path.name for path in tmp_path.iterdir()} == {"a.partial-3", "a.partial-4", "b.partial"}
    assert taken_up(tmp_path / "b.partial", tmp_path / "a") == []
    assert taken_up(None, tmp_path / "a") == []


def went_on(folder: Path, second: int, scan: str, *, from_: str | None = None) -> Path:
    """Leave an attempt that learned from a scan, and perhaps went on from another attempt."""
    attempt(folder, second)
    resumed = "" if from_ is None else f'resume = "../{from_}"\n'
    (folder / SETTINGS).write_text(f'[training]\nseed = 0\ntrain_data_file = "../{scan}"\n{resumed}')
    return folder


def test_a_scan_may_move_between_attempts(tmp_path: Path) -> None:
    """What went on from another attempt agrees with it, whatever the scan is called by then."""
    went_on(tmp_path / "a.partial", 60, "a.npz")
    went_on(tmp_path / "a.partial-2", 120, "b.npz", from_="a.partial/last.ckpt")
    went_on(tmp_path / "a.partial-3", 180, "c.npz", from_="a.partial-2")
    newest = newest_attempt(tmp_path / "a")
    assert newest is not None
    assert newest.folder == tmp_path / "a.partial-3"
    remove_obsolete(taken_up(newest.folder, tmp_path / "a"))
    assert list(tmp_path.iterdir()) == []


def test_an_attempt_on_another_scan_disagrees(tmp_path: Path) -> None:
    """An attempt that began anew with another scan is another training, and stays."""
    went_on(tmp_path / "a.partial", 60, "a.npz")
    went_on(tmp_path / "a.partial-2", 120, "b.npz")
    with pytest.raises(ValueError, match=r"two attempts disagree .*train_data_file"):
        newest_attempt(tmp_path / "a")
    taken = taken_up(tmp_path / "a.partial-2", tmp_path / "a")
    assert [entry.folder for entry in taken] == [tmp_path / "a.partial-2"]


def test_checkpoints_lie_on_the_disk_twice(tmp_path: Path) -> None:
    """Of attempts that followed each other, only the one with the copied checkpoint is still needed."""
    for number in range(2, 6):
        before = f"a.partial-{number - 1}"
        went_on(tmp_path / f"a.partial-{number}", 60 * number, "a.npz", from_=before)
    attempt(tmp_path / "a.partial-6", 30, seed=1)
    older = outlived(tmp_path / "a.partial-5" / LAST_CHECKPOINT, tmp_path / "a.partial-7")
    remove_obsolete(older, "a.partial-7")
    assert {path.name for path in tmp_path.iterdir()} == {"a.partial-5", "a.partial-6"}


def test_names_of_attempts() -> None:
    """A partial folder belongs to the run of its name."""
    assert run_of(Path("x/a.partial-12")) == run_of(Path("x/a.partial")) == run_of(Path("x/a")) == Path("x/a")
    assert is_unfinished(Path("a.partial-3"))
    assert not is_unfinished(Path("a.partially"))


@pytest.mark.parametrize("text", ["[[", "a = " + "[" * 10_000, "\x00"])
def test_settings_that_cannot_be_read_are_none(tmp_path: Path, text: str) -> None:
    """A file that is no settings file says nothing, and does no harm."""
    (tmp_path / SETTINGS).write_text(text)
    assert read_settings(tmp_path) == {}
