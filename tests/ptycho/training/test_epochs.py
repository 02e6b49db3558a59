"""What a finished epoch changes: best weights, best files, an early end."""

import json
import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.training.epochs import BestFiles, BestWeights, EarlyStop, Ranking

MODES = st.sampled_from(["min", "max"])
SCORES = st.lists(st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, math.nan, math.inf, -math.inf]), max_size=12)


def weights(epoch: int) -> dict[str, np.ndarray]:
    """Make weights that tell their epoch."""
    return {"log_gain": np.array(float(epoch))}


def ordered(scores: list[float], mode: str) -> list[int]:
    """List the epochs, the best first; of equals the earlier, and last what is no finite number."""
    sign = 1 if mode == "min" else -1
    keys = [sign * score if math.isfinite(score) else math.inf for score in scores]
    return sorted(range(len(scores)), key=keys.__getitem__)


@pytest.mark.parametrize(
    ("mode", "value", "than", "expected"),
    [
        ("min", 1.0, 2.0, True),
        ("min", 2.0, 1.0, False),
        ("min", 1.0, 1.0, False),
        ("max", 2.0, 1.0, True),
        ("max", 1.0, 2.0, False),
        ("max", 1.0, 1.0, False),
        ("min", 1.0, None, True),
        ("min", math.nan, None, False),
        ("min", -math.inf, 1.0, False),
        ("max", math.inf, 1.0, False),
    ],
)
def test_only_a_finite_gain_is_better(mode: str, value: float, than: float | None, expected: bool) -> None:
    """A value beats another in the direction of the mode; equals and what is not finite beat nothing."""
    assert Ranking("val_loss", mode).better(value, than) is expected


@given(SCORES, MODES)
def test_best_weights_are_those_of_the_best_epoch(scores: list[float], mode: str) -> None:
    """Of all epochs with a finite score the best is kept, of equals the earliest."""
    best = BestWeights(Ranking("val_loss", mode))
    for epoch, score in enumerate(scores):
        best.observe(epoch, score, partial(weights, epoch))
    finite = [epoch for epoch in ordered(scores, mode) if math.isfinite(scores[epoch])]
    assert best.epoch == (finite[0] if finite else None)
    assert best.score == (scores[finite[0]] if finite else None)
    assert best.weights == (weights(finite[0]) if finite else None)


@given(SCORES, SCORES, MODES)
def test_best_weights_go_on_where_others_stood(first: list[float], second: list[float], mode: str) -> None:
    """Restored from JSON, they end with the epoch that an uninterrupted training keeps."""
    whole, half = (BestWeights(Ranking("val_loss", mode)) for _ in range(2))
    for epoch, score in enumerate(first + second):
        whole.observe(epoch, score, partial(weights, epoch))
    for epoch, score in enumerate(first):
        half.observe(epoch, score, partial(weights, epoch))
    other = BestWeights(Ranking("val_loss", mode))
    other.restore(json.loads(json.dumps(half.state())), half.weights)
    for epoch, score in enumerate(second, start=len(first)):
        other.observe(epoch, score, partial(weights, epoch))
    assert other == whole


@given(SCORES, MODES, st.integers(1, 4))
def test_training_ends_after_patience(scores: list[float], mode: str, patience: int) -> None:
    """The end is reached once that many epochs in a row brought nothing better, and not before."""
    end = EarlyStop(Ranking("val_loss", mode), patience)
    assert not end.reached
    for epoch, score in enumerate(scores):
        end.observe(score)
        seen = [number for number in ordered(scores[: epoch + 1], mode) if math.isfinite(scores[number])]
        assert end.waited == epoch - (seen[0] if seen else -1)
        assert end.reached is (end.waited >= patience)


@given(SCORES, SCORES, MODES)
def test_early_end_goes_on_waiting(first: list[float], second: list[float], mode: str) -> None:
    """Restored from JSON, it has waited as long as in an uninterrupted training."""
    whole, half, other = (EarlyStop(Ranking("val_loss", mode), 3) for _ in range(3))
    for score in first:
        whole.observe(score)
        half.observe(score)
    other.restore(json.loads(json.dumps(half.state())))
    for score in second:
        whole.observe(score)
        other.observe(score)
    assert other == whole


@pytest.mark.parametrize(
    ("mode", "scores", "reason"),
    [
        ("min", [3.0, 2.0, 2.5, 2.5], "val_loss did not get below 2 for 2 epochs"),
        ("max", [0.5, 0.25, 0.125], "val_loss did not get above 0.5 for 2 epochs"),
        ("min", [math.nan, math.inf], "val_loss was no number for 2 epochs"),
    ],
)
def test_an_early_end_has_its_reason(mode: str, scores: list[float], reason: str) -> None:
    """The metric, what it did not reach, the wait, and the setting that says how long."""
    end = EarlyStop(Ranking("val_loss", mode), 2)
    for score in scores:
        end.observe(score)
    assert end.reached
    assert end.reason() == f"{reason} (execution.early_stop_patience)"


def admit(files: BestFiles, epoch: int, score: float) -> Path | None:
    """Rank an epoch as a training does: its file is written before another one goes."""
    path = files.admit(epoch, score)
    if path is not None:
        before = set(files.folder.iterdir())
        path.touch()
        assert before <= set(files.folder.iterdir())
    files.remove_others()
    return path


def names_of(epochs: list[int]) -> list[str]:
    """Name the files of epochs."""
    return sorted(f"best-epoch{epoch:03d}.ckpt" for epoch in epochs)


@given(scores=SCORES, mode=MODES, top_k=st.integers(0, 4))
def test_the_best_k_epochs_lie_in_the_folder(
    tmp_path_factory: pytest.TempPathFactory, scores: list[float], mode: str, top_k: int
) -> None:
    """The folder holds the k best epochs, of equals the earlier; what is not finite ranks last."""
    folder = tmp_path_factory.mktemp("run")
    files = BestFiles(folder, Ranking("val_loss", mode), top_k)
    for epoch, score in enumerate(scores):
        admit(files, epoch, score)
    expected = ordered(scores, mode)[:top_k]
    assert sorted(path.name for path in folder.iterdir()) == names_of(expected) == sorted(files.scores)
    assert files.best == (folder / names_of(expected[:1])[0] if expected else None)


def test_nan_ranks_last(tmp_path: Path) -> None:
    """An epoch whose metric is not a number is kept while there is room, and goes first."""
    files = BestFiles(tmp_path, Ranking("val_loss", "max"), 2)
    assert admit(files, 0, math.nan) == tmp_path / "best-epoch000.ckpt"
    admit(files, 1, -5.0)
    assert files.best == tmp_path / "best-epoch001.ckpt"
    assert admit(files, 2, math.nan) is None
    admit(files, 3, -7.0)
    assert sorted(files.scores) == names_of([1, 3])


def test_best_files_go_on_where_others_stood(tmp_path: Path) -> None:
    """Restored from JSON, the ranking lets the worst of the earlier training's files go."""
    files = BestFiles(tmp_path, Ranking("val_loss", "min"), 2)
    for epoch, score in enumerate([1.0, math.nan]):
        admit(files, epoch, score)
    resumed = BestFiles(tmp_path, Ranking("val_loss", "min"), 2)
    resumed.restore(json.loads(json.dumps(files.state())))
    assert resumed == files
    admit(resumed, 2, 0.5)
    assert sorted(path.name for path in tmp_path.iterdir()) == names_of([0, 2])
    assert resumed.best == tmp_path / "best-epoch002.ckpt"


def test_files_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    """A ranking takes up only files in its own folder: a name from elsewhere can delete nothing."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "best-epoch001.ckpt").touch()
    (tmp_path / "precious.ckpt").touch()
    files = BestFiles(folder, Ranking("val_loss", "min"), 2)
    held = {"best-epoch001.ckpt": 1, "best-epoch002.ckpt": 2.0, "../precious.ckpt": 3.0}
    files.restore({"kept": held})
    assert files.scores == {"best-epoch001.ckpt": 1.0}
