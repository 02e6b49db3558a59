"""What the execution settings do to a training, whichever backend carries it out."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho.config.config import PyTorchExecutionConfig
from ptycho.training.launch import RANK_VARIABLES

_TESTS = Path(__file__).resolve().parents[1]
_OWN = {"pytorch": "torch", "tensorflow": "tf"}


Train = Callable[..., Any]
Weights = dict[str, np.ndarray]
Weigh = Callable[[Any], Weights]


@pytest.fixture
def train(train_small: Train, tmp_path: Path) -> Train:
    """Train a small network, into the folder that is named first."""

    def run(folder: str = "run", **more: Any) -> Any:
        return train_small(tmp_path / folder, **more)

    return run


@pytest.fixture(scope="module")
def plain_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the training that `plain` made."""
    return tmp_path_factory.mktemp("plain")


@pytest.fixture(scope="module")
def plain(train_small: Train, plain_folder: Path) -> Any:
    """A training of one epoch with the execution settings as they are by default."""
    return train_small(plain_folder)


def largest_change(first: Weights, second: Weights) -> float:
    """Compare two sets of weights."""
    return max(float(np.abs(array.astype(complex) - second[name]).max()) for name, array in first.items())


def test_every_field_has_a_test_of_its_effect(backend: str) -> None:
    """A field without a test named after it, here or among the backend's own, fails here."""
    own = _TESTS / _OWN[backend] / "test_execution_config.py"
    tests = " ".join(re.findall(r"^def (test_\w+)", Path(__file__).read_text() + own.read_text(), re.M))
    names = {field.name for field in dataclasses.fields(PyTorchExecutionConfig)}
    assert {name for name in names if not re.search(rf"(\btest|_and)_{name}(_|\b)", tests)} == set()


def test_learning_rate_is_that_of_the_first_step(weights_of: Weigh, plain: Any, train: Train) -> None:
    """The rate is logged, and ten times the rate moves the weights farther."""
    fast = train(execution={"learning_rate": 1e-2})
    assert plain.history[0]["lr"] == pytest.approx(1e-3)
    assert fast.history[0]["lr"] == pytest.approx(1e-2)
    assert largest_change(weights_of(plain), weights_of(fast)) > 1e-3


def test_scheduler_sets_the_course_of_the_rate(train: Train) -> None:
    """The rates of the epochs are those of the scheduler."""
    history = train(execution={"scheduler": "MultiStage"}, nepochs=3).history
    assert [row["lr"] for row in history] == pytest.approx([1e-3, 0.3e-3, 0.1e-3])


def test_warmup_epochs_and_min_lr_ratio_shape_the_course(train: Train) -> None:
    """A Cosine climbs for that many epochs, and ends at that share of the learning rate."""
    cosine = {"scheduler": "Cosine", "warmup_epochs": 2, "min_lr_ratio": 0.5}
    history = train(execution=cosine, nepochs=5).history
    assert [row["lr"] for row in history] == pytest.approx([1e-3 / 3, 2e-3 / 3, 1e-3, 0.75e-3, 0.5e-3])


@pytest.mark.parametrize("shown", [True, False])
def test_enable_progress_bar_shows_the_epochs(
    shown: bool, train: Train, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A line an epoch in a log, or nothing."""
    caplog.set_level("ERROR", "tensorflow")  # Many trainings in one process make it talk of tracing.
    train(execution={"enable_progress_bar": shown}, nepochs=2)
    out, err = capfd.readouterr()
    assert out == ""
    assert len([line for line in err.split("\n") if line.strip()]) == 2 * shown
    assert err.count("epoch 2/2") == err.count("100 %") == shown


def test_enable_checkpointing_writes_checkpoints(
    weights_of: Weigh, plain: Any, plain_folder: Path, train: Train, tmp_path: Path
) -> None:
    """last.ckpt and the best are written or not; the best weights are handed back either way."""
    without = train(execution={"enable_checkpointing": False})
    assert sorted(path.name for path in plain_folder.glob("*.ckpt")) == ["best-epoch000.ckpt", "last.ckpt"]
    assert list((tmp_path / "run").glob("*.ckpt")) == []
    assert (plain.best_checkpoint, without.best_checkpoint) == (plain_folder / "best-epoch000.ckpt", None)
    assert plain.best_epoch == without.best_epoch == 0
    assert largest_change(weights_of(plain), weights_of(without)) == 0


@pytest.mark.parametrize("top_k", [0, 2])
def test_checkpoint_save_top_k_keeps_the_k_best(top_k: int, train: Train, tmp_path: Path) -> None:
    """Of three epochs the k best stay as files."""
    result = train(execution={"checkpoint_save_top_k": top_k}, nepochs=3)
    losses = [row["val_loss"] for row in result.history]
    best = sorted(np.argsort(losses)[:top_k].tolist())
    files = sorted(int(path.stem[-3:]) for path in (tmp_path / "run").glob("best-epoch*.ckpt"))
    assert files == best


@pytest.mark.parametrize(("metric", "mode"), [("val_loss", "max"), ("train_nll", "min")])
def test_checkpoint_monitor_metric_and_checkpoint_mode_rank(metric: str, mode: str, train: Train) -> None:
    """The best epoch is the one with the lowest or highest value of that metric."""
    execution = {"checkpoint_monitor_metric": metric, "checkpoint_mode": mode, "learning_rate": 0.005}
    result = train(execution=execution, nepochs=3)
    values = [row[metric] for row in result.history]
    assert result.best_epoch == int(np.argmin(values) if mode == "min" else np.argmax(values))


def test_early_stop_patience_ends_a_stale_training(train: Train) -> None:
    """Judged by a metric that should rise but falls, the training ends after as many epochs as patience."""
    stale = {"checkpoint_mode": "max", "checkpoint_monitor_metric": "train_loss", "early_stop_patience": 2}
    result = train(execution=stale, nepochs=9)
    assert len(result.history) == 3
    first = result.history[0]["train_loss"]
    why = f"train_loss did not get above {first:.6g} for 2 epochs (execution.early_stop_patience)"
    assert result.decisions[-1] == f"the training stopped early after 3 epochs: {why}"


@pytest.mark.parametrize(("name", "files"), [("csv", 1), (None, 0)])
def test_logger_backend_writes_its_files(name: str | None, files: int, train: Train, tmp_path: Path) -> None:
    """Csv leaves metrics.csv; none leaves nothing."""
    train(execution={"logger_backend": name})
    assert len(list((tmp_path / "run").glob("metrics.csv"))) == files
    assert {path.suffix for path in (tmp_path / "run").iterdir()} <= {".ckpt", ".csv"}


def test_logger_backend_tensorboard_writes_events(
    train: Train, tmp_path: Path, foreign_packages: set[str]
) -> None:
    """Tensorboard leaves an event file with every metric of each epoch, and no foreign framework."""
    import sys

    from ptycho.training.loggers.tensorboard import keep_tensorflow_out

    keep_tensorflow_out()
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    result = train(execution={"logger_backend": "tensorboard"}, nepochs=2)
    [file] = (tmp_path / "run").rglob("events.out.tfevents.*")
    events = EventAccumulator(str(file)).Reload()
    settings = {"settings", "_hparams_/session_start_info"}
    assert set(events.Tags()["tensors"]) == settings | set(result.history[0])
    assert [event.step for event in events.Tensors("val_loss")] == [4, 8]
    assert not foreign_packages & sys.modules.keys()


def test_num_nodes_is_held_to_what_was_started(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training that nothing started on two machines is refused before its first step."""
    for name in RANK_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match=r"execution.num_nodes is 2, and this training has processes on 1 "):
        train(execution={"num_nodes": 2})


def test_precision_changes_the_arithmetic(weights_of: Weigh, plain: Any, train: Train) -> None:
    """bfloat16 gives other weights than float32, but not far from them; CPUs take it for float16."""
    half = train(execution={"precision": "16-mixed"})
    assert "execution.precision: CPUs have no float16 arithmetic, bf16-mixed is used" in half.decisions
    assert 0 < largest_change(weights_of(plain), weights_of(half)) < 0.1


def test_gradient_clip_val_bounds_only_what_is_beyond(weights_of: Weigh, plain: Any, train: Train) -> None:
    """A bound far above every gradient is the same as none; a low one changes the weights."""
    change = partial(largest_change, weights_of(plain))
    assert change(weights_of(train("high", execution={"gradient_clip_val": 1e6}))) == 0
    assert change(weights_of(train("low", execution={"gradient_clip_val": 1e-4}))) > 0


def test_num_workers_change_no_weight(weights_of: Weigh, plain: Any, train: Train) -> None:
    """What loads batches, and how many wait, is nothing that a network could learn."""
    loading = {"num_workers": 1, "prefetch_factor": 4, "persistent_workers": True}
    loaded = train(execution=loading)
    assert largest_change(weights_of(plain), weights_of(loaded)) == 0


def test_deterministic_trainings_agree_bit_for_bit(weights_of: Weigh, plain: Any, train: Train) -> None:
    """Two trainings of the same settings give the same weights."""
    assert largest_change(weights_of(plain), weights_of(train())) == 0
