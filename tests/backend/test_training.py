"""Short trainings, whole: what each backend leaves, and that it leaves the same again."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho.commands.main import main
from ptycho.scan.raw_data import RawData
from ptycho.training.schedule import OnPlateau
from ptycho.training.schedulers import reduce_on_plateau

Train = Callable[..., Any]
Weights = dict[str, np.ndarray]
Weigh = Callable[[Any], Weights]

EVERYTHING = {"probe_trainable": True, "intensity_scale_trainable": True, "probe_modes": 2}
"""All that can be learned."""


def equal(first: Weights, second: Weights) -> bool:
    """Compare weights bit for bit."""
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the training that `done` made."""
    return tmp_path_factory.mktemp("done")


@pytest.fixture(scope="module")
def done(train_small: Train, folder: Path) -> Any:
    """A training of two epochs with everything that can be learned."""
    return train_small(folder, nepochs=2, mae_weight=0.5, **EVERYTHING)


def test_run_folder_holds_checkpoints_and_metrics(done: Any, folder: Path) -> None:
    """A training leaves the last and the best checkpoint and one row of metrics for each epoch."""
    names = sorted(path.name for path in folder.iterdir())
    assert names == [done.best_checkpoint.name, "last.ckpt", "metrics.csv"]
    with (folder / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    terms = [f"{stage}_{term}" for stage in ("train", "val") for term in ("mae", "nll")]
    assert list(rows[0]) == ["epoch", "train_loss", "val_loss", *terms, "lr", "intensity_scale", "seconds"]
    for row, known in zip(rows, done.history, strict=True):
        assert {name: float(value) for name, value in row.items()} == pytest.approx(known, rel=1e-5)
    loss = 0.5 * done.history[0]["val_mae"] + done.history[0]["val_nll"]
    assert done.history[0]["val_loss"] == pytest.approx(loss, rel=1e-5)


def test_trained_probe_is_handed_back(done: Any, trained: Path, weights_of: Weigh) -> None:
    """Two modes were asked for; the first moved away from where it started, and so did the scale."""
    start = done.normalisation.probe(np.asarray(RawData.from_file(trained / "train.npz").probe_modes))
    assert done.probe.shape == (2, 64, 64)
    assert not np.array_equal(done.probe[0], start[0])
    assert np.array_equal(done.probe, weights_of(done)["probe"])
    assert done.history[-1]["intensity_scale"] != pytest.approx(done.normalisation.intensity_scale, rel=1e-9)


def test_decisions_tell_scales_frames_and_threads(done: Any) -> None:
    """What was decided before the first step stands in the list, in words."""
    decisions = "\n".join(done.decisions)
    assert "1e+09 photons a frame (measured), intensity scale 988." in decisions
    assert "29 frames train, 7 frames that no training group contains judge" in decisions
    assert "1 weak orthogonal probe modes join the file's 1" in decisions
    assert "frames are held in memory (1 MB)" in decisions
    assert "1 CPU thread (deterministic: the last bits depend on the number of threads)" in decisions
    assert done.device == "cpu"


@pytest.mark.parametrize("gridsize", [1, 2])
def test_equal_settings_give_equal_weights(
    gridsize: int, train_small: Train, weights_of: Weigh, tmp_path: Path
) -> None:
    """Two trainings agree bit for bit; another seed gives other weights."""
    settings = {"gridsize": gridsize, "neighbor_count": 5, "probe_trainable": True}
    first, again, other = (
        weights_of(train_small(tmp_path / name, seed=seed, **settings))
        for name, seed in (("first", 0), ("again", 0), ("other", 1))
    )
    assert equal(first, again)
    assert not equal(first, other)


@pytest.mark.parametrize("scheduler", ["Exponential", "ReduceLROnPlateau"])
def test_resumed_training_goes_the_same_way(
    scheduler: str, train_small: Train, weights_of: Weigh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three epochs and two more are five at once: weights bit for bit, rates, ranking and its files."""
    monkeypatch.setattr(reduce_on_plateau, "SCHEDULER", OnPlateau(patience=0))
    execution = {"scheduler": scheduler, "learning_rate": 0.05, "checkpoint_monitor_metric": "train_loss"}
    whole = train_small(tmp_path / "whole", execution, nepochs=5)
    train_small(tmp_path / "part", execution, nepochs=3)
    rest = train_small(tmp_path / "rest", execution, nepochs=5, resume=tmp_path / "part")
    assert f"the training resumes from {tmp_path / 'part/last.ckpt'} after 3 epochs" in rest.decisions
    assert equal(weights_of(whole), weights_of(rest))
    timeless = [[row | {"seconds": 0.0} for row in result.history] for result in (whole, rest)]
    assert timeless[0] == timeless[1]
    assert len({row["lr"] for row in whole.history}) > 1
    assert rest.best_epoch == whole.best_epoch
    assert rest.best_checkpoint.parent == tmp_path / "rest"
    assert rest.best_checkpoint.is_file()
    assert (tmp_path / "rest/metrics.csv").read_text().count("\n") == 6


def test_resumed_training_keeps_an_earlier_best(
    train_small: Train, weights_of: Weigh, tmp_path: Path
) -> None:
    """Where no resumed epoch is better, weights and file of the best one come from the earlier run."""
    rising = {"checkpoint_mode": "max", "checkpoint_monitor_metric": "train_loss"}
    first = train_small(tmp_path / "first", rising)
    rest = train_small(tmp_path / "rest", rising, nepochs=2, resume=tmp_path / "first")
    assert rest.best_epoch == 0
    assert equal(weights_of(first), weights_of(rest))
    assert rest.best_checkpoint == tmp_path / "rest/best-epoch000.ckpt"


@pytest.mark.usefixtures("done")
def test_checkpoint_of_another_network_is_refused(train_small: Train, folder: Path, tmp_path: Path) -> None:
    """A setting that gives another network than the checkpoint's is named, with both values."""
    other = EVERYTHING | {"amp_activation": "swish"}
    with pytest.raises(ValueError, match="cannot resume") as caught:
        train_small(tmp_path / "run", nepochs=3, resume=folder, **other)
    assert str(caught.value) == (
        f"the training cannot resume from {folder / 'last.ckpt'}: "
        "amp_activation = 'swish' (there 'sigmoid')\n"
        "  expected  the settings that made the checkpoint\n"
        "  try       the settings.toml of its run folder, --recipe contract, "
        "or training.resume unset for a fresh start"
    )


def test_best_weights_are_those_of_the_best_epoch(train_small: Train, tmp_path: Path) -> None:
    """What is handed back is the epoch with the lowest monitored loss, and the decisions say which."""
    result = train_small(tmp_path, {"learning_rate": 0.3, "checkpoint_save_top_k": 0}, nepochs=4)
    losses = [row["val_loss"] for row in result.history]
    assert result.best_epoch == int(np.argmin(losses))
    assert result.best_checkpoint is None
    best = f"the weights are those of epoch {result.best_epoch + 1} (val_loss {min(losses):.6g})"
    assert result.decisions[-1] == best


def test_an_early_end_is_the_end(train_small: Train, tmp_path: Path, weights_of: Weigh) -> None:
    """A training that ended early ends there again when it is taken up, with the same weights and rows."""
    # A falling loss is never above that of the first epoch.
    worst = {"checkpoint_monitor_metric": "train_loss", "checkpoint_mode": "max", "early_stop_patience": 2}
    ended = train_small(tmp_path / "run.partial", worst, nepochs=9)
    again = train_small(tmp_path / "run", worst, nepochs=9, resume=tmp_path / "run.partial")
    told = "the training stopped early after 3 epochs: train_loss did not get above"
    assert any(note.startswith(told) for note in ended.decisions)
    assert any(note.startswith(told) for note in again.decisions)
    assert again.history == ended.history
    assert equal(weights_of(ended), weights_of(again))
    table = "metrics.csv"
    assert (tmp_path / "run" / table).read_text() == (tmp_path / "run.partial" / table).read_text()
    assert (tmp_path / "run" / "last.ckpt").is_file()


def test_a_process_that_does_not_lead_writes_nothing(
    train_small: Train, tmp_path: Path, weights_of: Weigh
) -> None:
    """It learns the same, and leaves the folder of the training to the process that writes it."""
    for name in ("first", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "other" / "best-epoch000.ckpt").write_text("of the first process")
    first = train_small(tmp_path / "first", nepochs=2)
    other = train_small(tmp_path / "other", written=False, nepochs=2)
    assert equal(weights_of(first), weights_of(other))
    assert other.best_checkpoint is None
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["best-epoch000.ckpt"]
    assert (tmp_path / "other" / "best-epoch000.ckpt").read_text() == "of the first process"


def test_supervised_training_learns_from_labels(train_small: Train, tmp_path: Path) -> None:
    """With model_type supervised the only term is the error against the labelled patches, and it falls."""
    history = train_small(tmp_path, model_type="supervised", nepochs=3).history
    assert all(row["train_loss"] == row["train_labels"] for row in history)
    assert {name for name in history[0] if name.startswith("val")} == {"val_loss", "val_labels"}
    assert history[-1]["train_labels"] < history[0]["train_labels"]


def test_learning_lowers_the_loss(train_small: Train, tmp_path: Path) -> None:
    """Six epochs at gridsize 1 bring the amplitude error down by a tenth at least."""
    history = train_small(tmp_path, {"learning_rate": 3e-3}, nepochs=6, torch_loss_mode="mae").history
    assert history[-1]["train_loss"] < 0.9 * history[0]["train_loss"]


def test_another_scan_under_the_same_name_is_refused(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Frames that were replaced since the last epoch are told from those that were learned from."""
    (job / "run").rename(job / "run.partial")
    (job / "other.npz").replace(job / "train.npz")
    checkpoint = job / "run.partial" / "last.ckpt"
    for words in (["train", "run.toml", "--resume"], ["finish", "run"]):
        assert main(words) == 2
        assert (
            f"the training cannot resume from {checkpoint}: it learned from other frames or positions than "
            "those in train.npz\n"
        ) in capsys.readouterr().err
    for path in (job / "run.partial").glob("*.ckpt"):
        path.unlink()
    assert main(["finish", "run"]) == 2
    said = capsys.readouterr().err
    assert "its network learned from other frames or positions than those in train.npz\n" in said


def test_a_replaced_scan_is_one_that_was_not_seen(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The network is told of the scan that it learned from by the frames, not by the name of the file."""
    scan, words = (
        trained / "train.npz",
        ["--output_dir", str(tmp_path / "seen"), "--refine_epochs", "20", "--accelerator", "cpu"],
    )
    before = scan.read_bytes()
    try:
        scan.write_bytes((trained / "other.npz").read_bytes())
        assert main(["infer", str(trained / "run"), "--scan", str(scan), *words]) == 0
    finally:
        scan.write_bytes(before)
    assert "than those in train.npz, which was replaced since" in capsys.readouterr().err
    assert "it was not trained on" in (tmp_path / "seen" / "report.md").read_text()
