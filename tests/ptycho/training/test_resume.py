"""Find what a training continues from, and see that it fits."""

import os
from pathlib import Path

import pytest

from ptycho.training import resume


def checkpoint(path: Path) -> Path:
    """Put a file where a checkpoint would lie."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def read(path: Path) -> resume.EarlierTraining:
    """Read a checkpoint, which is damaged where it holds anything."""
    if path.stat().st_size:
        raise resume.not_a_checkpoint(path, "it is damaged")
    return resume.EarlierTraining(path, {}, [])


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
        f"{newer} is not a checkpoint of a training: it is damaged: the checkpoint before it, in "
        f"{older.parent}, is taken"
    )
    older.write_text("damage")
    os.utime(older, (60, 60))
    with pytest.raises(
        ValueError, match=r"partial/last\.ckpt is not a checkpoint of a training: it is damaged"
    ):
        resume.read_newest(tmp_path / "run", read)


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
    source = checkpoint(tmp_path / "old" / "last.ckpt")
    checkpoint(tmp_path / "old" / "best-epoch001.ckpt")
    (tmp_path / "new").mkdir()
    resume.carry_over(source, tmp_path / "new")
    resume.carry_over(source, tmp_path / "old")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"best-epoch001.ckpt", "last.ckpt"}
    (tmp_path / "unkept").mkdir()
    resume.carry_over(source, tmp_path / "unkept", last=False)
    assert [path.name for path in (tmp_path / "unkept").iterdir()] == ["best-epoch001.ckpt"]


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
