"""Find what a training continues from, and see that it fits."""

import json
import math
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.run.record import LAST_CHECKPOINT
from ptycho.training import resume


def checkpoint(path: Path) -> Path:
    """Put a file where a checkpoint would lie."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def read(path: Path) -> resume.EarlierTraining:
    """Read a checkpoint, which is damaged where it holds anything."""
    text = path.read_text()
    if text == "damage":
        raise resume.not_a_checkpoint(path, "it is damaged")
    return resume.EarlierTraining(path, {}, json.loads(text or "[]"))


def history(epochs: int, loss: float = 0.5) -> str:
    """Give the rows of some epochs as such a checkpoint holds them."""
    return json.dumps([{"epoch": epoch, "loss": loss, "val_loss": math.nan} for epoch in range(epochs)])


def test_folder_or_file_lead_to_the_checkpoint(tmp_path: Path) -> None:
    """A run folder means its last.ckpt; a checkpoint means itself."""
    path = checkpoint(tmp_path / "run" / "last.ckpt")
    assert resume.read_newest(tmp_path / "run", read).path == path
    assert resume.read_newest(path, read).path == path


def test_the_newest_whole_checkpoint_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where the newest is damaged the one before it is taken, and it is said, if there is one."""
    older, newer = (checkpoint(tmp_path / name / "last.ckpt") for name in ("run.partial", "run.partial-2"))
    newer.write_text("damage")
    os.utime(older, (60, 60))
    assert resume.read_newest(tmp_path / "run", read).path == older
    assert caplog.messages[-1] == (
        f"{newer} is not a checkpoint of a training: it is damaged: the newest whole checkpoint, {older}, "
        "is taken"
    )
    older.write_text("damage")
    os.utime(older, (60, 60))
    with pytest.raises(
        ValueError, match=r"partial/last\.ckpt is not a checkpoint of a training: it is damaged"
    ):
        resume.read_newest(tmp_path / "run", read)


@given(st.integers(1, 6), st.sets(st.integers(0, 6)), st.sets(st.sampled_from(["last", *range(7)])))
def test_no_whole_epoch_is_lost(epochs: int, best: set[int], damaged: set[object]) -> None:
    """Whatever is whole of the last checkpoint and the best ones, the training goes on from the furthest."""
    with TemporaryDirectory() as folder:
        run = Path(folder, "run.partial")
        run.mkdir()
        contents: dict[object, int] = {"last": epochs} | {epoch: epoch + 1 for epoch in best}
        for name, count in contents.items():
            path = run / (LAST_CHECKPOINT if name == "last" else f"best-epoch{name:03d}.ckpt")
            path.write_text("damage" if name in damaged else history(count))
        whole = [count for name, count in contents.items() if name not in damaged]
        if whole:
            assert resume.read_newest(Path(folder, "run"), read).epochs == max(whole)
        else:
            with pytest.raises(ValueError, match="is not a checkpoint of a training"):
                resume.read_newest(Path(folder, "run"), read)


def test_a_damaged_checkpoint_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """However many are damaged, one warning names them and what is taken."""
    for name in ("last.ckpt", "best-epoch003.ckpt"):
        checkpoint(tmp_path / "run" / name).write_text("damage")
    whole = checkpoint(tmp_path / "run" / "best-epoch001.ckpt")
    whole.write_text(history(2))
    assert resume.read_newest(tmp_path / "run", read).path == whole
    (message,) = caplog.messages
    assert message.count("it is damaged") == 2


def test_a_best_epoch_of_another_training_is_no_later_one(tmp_path: Path) -> None:
    """A file of a later epoch goes on from the last one where both tell the same of the epochs before."""
    last = checkpoint(tmp_path / "run" / "last.ckpt")
    last.write_text(history(2))
    later = checkpoint(tmp_path / "run" / "best-epoch004.ckpt")
    later.write_text(history(5, loss=0.4))
    assert resume.read_newest(tmp_path / "run", read).path == last
    later.write_text(history(5))
    assert resume.read_newest(tmp_path / "run", read).path == later


def test_a_damaged_file_names_those_beside_it(tmp_path: Path) -> None:
    """Who names a checkpoint that is damaged is told of the others in its folder."""
    for name in ("last.ckpt", "best-epoch001.ckpt", "best-epoch010.ckpt"):
        checkpoint(tmp_path / name).write_text("damage")
    with pytest.raises(ValueError, match="it is damaged") as caught:
        resume.read_newest(tmp_path / "last.ckpt", read)
    beside = f"{tmp_path / 'best-epoch010.ckpt'} or {tmp_path / 'best-epoch001.ckpt'}"
    assert str(caught.value).endswith(f"\n  try       another training.resume: {beside}")


def test_unfinished_run_is_found_under_its_final_name(tmp_path: Path) -> None:
    """A run that did not finish lies in NAME.partial; NAME finds it."""
    path = checkpoint(tmp_path / "run.partial" / "last.ckpt")
    assert resume.read_newest(tmp_path / "run", read).path == path


def test_missing_checkpoint_says_where_it_looked(tmp_path: Path) -> None:
    """No folder, and a folder without a checkpoint, are told apart."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="nothing to resume") as caught:
        resume.read_newest(tmp_path / "empty", read)
    assert str(caught.value) == (
        f"there is nothing to resume from: {tmp_path / 'empty'} holds no last.ckpt\n"
        "  expected  a run folder with last.ckpt, or a checkpoint\n"
        "  try       training.resume unset for a fresh start"
    )
    with pytest.raises(FileNotFoundError, match=r"from: .*absent does not exist"):
        resume.read_newest(tmp_path / "absent", read)


def test_best_checkpoints_follow_a_resumed_run(tmp_path: Path) -> None:
    """The best epochs so far are copied beside the new ones; a run resumed in place keeps its own."""
    source = read(checkpoint(tmp_path / "old" / "last.ckpt"))
    source.history[:] = json.loads(history(2))
    for epoch in (1, 2):  # The second was not yet trained where the resumed checkpoint stands.
        checkpoint(tmp_path / "old" / f"best-epoch00{epoch}.ckpt")
    (tmp_path / "new").mkdir()
    resume.carry_over(source, tmp_path / "new")
    resume.carry_over(source, tmp_path / "old")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"best-epoch001.ckpt", "last.ckpt"}
    (tmp_path / "unkept").mkdir()
    resume.carry_over(source, tmp_path / "unkept", last=False)
    assert [path.name for path in (tmp_path / "unkept").iterdir()] == ["best-epoch001.ckpt"]


def test_requeued_runs_leave_no_row_of_copies(tmp_path: Path) -> None:
    """However often a run is killed and goes on, its checkpoints lie in two folders at most."""
    before = checkpoint(tmp_path / "a.partial" / "last.ckpt")
    for number in range(2, 6):
        folder = tmp_path / f"a.partial-{number}"
        folder.mkdir()
        resume.carry_over(read(before), folder)
        before = folder / "last.ckpt"
        assert len(list(tmp_path.glob("*/last.ckpt"))) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"a.partial-4", "a.partial-5"}


def test_a_checkpoint_without_fingerprints_is_told(tmp_path: Path) -> None:
    """What it learned from cannot be checked; one that says it has no need of words."""
    path = tmp_path / "last.ckpt"
    told = resume.EarlierTraining(path, {}, []).note_of_unknown_scans("a.npz")
    older = f"{path} is older than what tells which frames a checkpoint learned from"
    assert told == [f"{older}: whether they are those in a.npz cannot be checked"]
    assert resume.EarlierTraining(path, {}, [], ("1f",)).note_of_unknown_scans("a.npz") == []


def test_another_network_is_refused(tmp_path: Path) -> None:
    """The error names each differing setting with both values."""
    path = checkpoint(tmp_path / "last.ckpt")
    earlier = resume.EarlierTraining(path, {"N": 64, "gridsize": 1}, [])
    with pytest.raises(ValueError, match="cannot resume") as caught:
        earlier.require_same_network({"N": 64, "gridsize": 2})
    assert str(caught.value) == (
        f"the training cannot resume from {path}: gridsize = 2 (there 1)\n"
        "  expected  the settings that made the checkpoint\n"
        "  try       the settings.toml of its run folder, --recipe contract, "
        "or training.resume unset for a fresh start"
    )


def test_epochs_that_are_done_stay(tmp_path: Path) -> None:
    """Where fewer epochs are asked for than are done, it is said that none is taken back."""
    path = tmp_path / "last.ckpt"
    earlier = resume.EarlierTraining(path, {}, json.loads(history(2)))
    resumes = f"the training resumes from {path} after 2 epochs"
    assert earlier.notes(2) == earlier.notes(3) == [resumes]
    assert earlier.notes(1) == [
        resumes,
        "training.nepochs = 1 takes none of the 2 epochs back that are done",
    ]


def test_another_scan_is_refused(tmp_path: Path) -> None:
    """Other frames under the same name are refused; a checkpoint of before there were fingerprints goes."""
    path = checkpoint(tmp_path / "last.ckpt")
    earlier = resume.EarlierTraining(path, {}, [], ("1", "2"))
    earlier.require_same_scans(("1", "2"), "a.npz and b.npz")
    assert earlier.note_of_other_scans(("1", "2"), "a.npz and b.npz") == []
    resume.EarlierTraining(path, {}, []).require_same_scans(("1",), "a.npz")
    with pytest.raises(ValueError, match="cannot resume") as caught:
        earlier.require_same_scans(("2", "1"), "a.npz and b.npz")
    assert str(caught.value) == (
        f"the training cannot resume from {path}: it learned from other frames or positions than those in "
        "a.npz and b.npz\n"
        "  expected  frames and positions that the checkpoint learned from, in a file of any name\n"
        f"  try       --training.resume {path}, to go on with these, or "
        "training.resume unset for a fresh start"
    )
    assert earlier.note_of_other_scans(("3",), "c.npz") == [
        f"{path} learned from other frames or positions than those in c.npz"
    ]


def test_nothing_left_to_train_is_an_error(tmp_path: Path) -> None:
    """A checkpoint that has seen all epochs leaves nothing to do, and the error says so."""
    path = checkpoint(tmp_path / "last.ckpt")
    resumed = resume.EarlierTraining(path, {}, [{"epoch": float(epoch)} for epoch in range(3)])
    resumed.require_epochs_left(4)
    with pytest.raises(ValueError, match="nothing is left to train") as caught:
        resumed.require_epochs_left(3)
    assert str(caught.value) == (
        f"nothing is left to train: {path} has seen 3 epochs, and training.nepochs is 3\n"
        "  expected  training.nepochs: the epochs of the whole training, those before included\n"
        "  try       training.nepochs = 6"
    )
