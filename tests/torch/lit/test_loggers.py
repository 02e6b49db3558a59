"""Where the course of a training is written."""

import csv
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from ptycho.training.table import arrange
from ptycho_torch.lit import loggers


def read(path: Path) -> list[dict[str, str]]:
    """Read a table."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_table_has_one_row_per_epoch(tmp_path: Path) -> None:
    """What is measured at different times of an epoch ends in one row."""
    table = loggers.EpochTable(tmp_path / "metrics.csv")
    table.log_metrics({"epoch": 0, "val_loss": 2.0}, step=3)
    table.log_metrics({"epoch": 0, "train_loss": 3.0, "lr": 1e-3}, step=3)
    table.log_metrics({"epoch": 1, "val_loss": 1.0}, step=6)
    table.save()
    assert read(tmp_path / "metrics.csv") == [
        {"epoch": "0", "train_loss": "3", "val_loss": "2", "lr": "0.001"},
        {"epoch": "1", "train_loss": "", "val_loss": "1", "lr": ""},
    ]


def test_table_goes_on_where_a_training_resumed(tmp_path: Path) -> None:
    """The rows of the resumed training come first."""
    table = loggers.EpochTable(tmp_path / "metrics.csv", [{"epoch": 0.0, "train_loss": 5.0}])
    table.log_metrics({"epoch": 1, "train_loss": 4.0})
    table.finalize("success")
    assert [row["train_loss"] for row in read(tmp_path / "metrics.csv")] == ["5", "4"]


def test_columns_stand_in_a_fixed_order() -> None:
    """Epoch and losses lead, terms follow by name, rate, scale and time end."""
    row = dict.fromkeys(
        ["seconds", "val_nll", "lr", "train_mae", "val_loss", "epoch", "intensity_scale"], 0.0
    )
    assert arrange([row]) == [
        "epoch",
        "val_loss",
        "train_mae",
        "val_nll",
        "lr",
        "intensity_scale",
        "seconds",
    ]


def test_empty_table_writes_no_file(tmp_path: Path) -> None:
    """A training that ended before its first epoch leaves no table."""
    loggers.EpochTable(tmp_path / "metrics.csv").finalize("failed")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("backend", [None, "none"])
def test_none_logs_nowhere(backend: str | None, tmp_path: Path) -> None:
    """None makes no logger."""
    assert loggers.make_loggers(backend, tmp_path) == []


def test_unknown_backend_is_refused(tmp_path: Path) -> None:
    """The error lists the backends."""
    with pytest.raises(ValueError, match="Unknown logger_backend") as caught:
        loggers.make_loggers("wandb", tmp_path)
    assert str(caught.value) == (
        "Unknown logger_backend 'wandb'\n"
        "  expected  one of csv, tensorboard, mlflow, none\n"
        '  try       execution.logger_backend = "csv"'
    )


def test_missing_mlflow_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where mlflow is not installed, the error names the extra that brings it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match="mlflow") as caught:
        loggers.make_loggers("mlflow", tmp_path)
    assert str(caught.value) == (
        "execution.logger_backend is 'mlflow', and the package mlflow is not installed\n"
        "  expected  mlflow in this environment\n"
        "  try       pip install 'ptychopinn[mlflow]', or execution.logger_backend = \"csv\""
    )


SCRIPT = """
import sys
from pathlib import Path
from ptycho_torch.lit.loggers import make_loggers
[logger] = make_loggers("tensorboard", Path(sys.argv[1]))
logger.log_metrics({"train_loss": 1.0}, step=0)
logger.finalize("success")
print(sorted({name.split(".")[0] for name in sys.modules} & {"tensorflow", "keras", "tensorboard"}))
"""


def test_tensorboard_does_not_bring_tensorflow(tmp_path: Path) -> None:
    """A logged value makes an event file, and TensorFlow is not in the process, installed or not."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split("\n")[-2] == "['tensorboard']"
    assert len(list(tmp_path.rglob("events.out.tfevents.*"))) == 1
