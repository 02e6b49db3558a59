"""Where the course of a training is written."""

import csv
import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from ptycho.training.journal import Journal, LastingJournal, Row, find_logger
from ptycho.training.loggers.csv import arrange
from ptyconf.registry import UnknownEntryError


def read(path: Path) -> list[dict[str, str]]:
    """Read a table."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_full_disk_stops_no_training(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A journal that cannot be opened or written says so once, and epochs go on."""

    class Full:
        def log(self, row: Row, step: int) -> None:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            raise OSError(28, "No space left on device")

    def refuse() -> Journal:
        raise OSError(30, "Read-only file system")

    journal = LastingJournal(Full)
    for step in range(3):
        journal.log({"epoch": float(step)}, step)
    journal.close()
    LastingJournal(refuse).log({"epoch": 0.0}, 1)
    assert caplog.messages == [
        "the epochs cannot be written down: [Errno 28] No space left on device",
        "the epochs cannot be written down: [Errno 30] Read-only file system",
    ]


def test_a_resumed_table_holds_its_rows_at_once(tmp_path: Path) -> None:
    """A training that is taken up after its last epoch, and logs no further one, has its table."""
    open_journal("csv", tmp_path, [{"epoch": 0.0, "train_loss": 5.0}]).close()
    assert (tmp_path / "metrics.csv").read_text().splitlines() == ["epoch,train_loss", "0,5"]


def open_journal(name: str | None, folder: Path, rows: Sequence[dict[str, float]] = ()) -> Journal:
    """Open a logger of the registry."""
    return find_logger(name).open(folder, rows)


def test_table_has_one_row_per_epoch(tmp_path: Path) -> None:
    """The file is whole after every epoch, in the order of the columns, before anybody closes it."""
    table = open_journal("csv", tmp_path)
    table.log({"epoch": 0.0, "lr": 1e-3, "train_loss": 3.0}, step=4)
    assert read(tmp_path / "metrics.csv") == [{"epoch": "0", "train_loss": "3", "lr": "0.001"}]
    table.log({"epoch": 1.0, "train_loss": 2.5, "lr": 1e-3}, step=8)
    assert [row["train_loss"] for row in read(tmp_path / "metrics.csv")] == ["3", "2.5"]
    written = (tmp_path / "metrics.csv").read_bytes()
    table.close()
    assert (tmp_path / "metrics.csv").read_bytes() == written


def test_table_goes_on_where_a_training_resumed(tmp_path: Path) -> None:
    """The rows of the resumed training come first."""
    table = open_journal("csv", tmp_path, [{"epoch": 0.0, "train_loss": 5.0}])
    table.log({"epoch": 1.0, "train_loss": 4.0}, step=8)
    assert [row["train_loss"] for row in read(tmp_path / "metrics.csv")] == ["5", "4"]


def test_empty_table_writes_no_file(tmp_path: Path) -> None:
    """A training that ended before its first epoch leaves no table."""
    table = open_journal("csv", tmp_path)
    table.close()
    assert list(tmp_path.iterdir()) == []


def test_columns_stand_in_a_fixed_order() -> None:
    """Epoch and losses lead, terms follow by name, rate, scale and time end."""
    measured = ["seconds", "val_nll", "lr", "train_mae", "val_loss", "epoch", "intensity_scale"]
    ordered = ["epoch", "val_loss", "train_mae", "val_nll", "lr", "intensity_scale", "seconds"]
    assert arrange([dict.fromkeys(measured, 0.0)]) == ordered


@pytest.mark.parametrize("name", [None, "none"])
def test_none_logs_nowhere(name: str | None, tmp_path: Path) -> None:
    """None writes no file."""
    journal = open_journal(name, tmp_path)
    journal.log({"epoch": 0.0, "train_loss": 1.0}, step=1)
    journal.close()
    assert list(tmp_path.iterdir()) == []


def test_unknown_logger_is_refused() -> None:
    """The error lists the loggers."""
    with pytest.raises(UnknownEntryError) as caught:
        find_logger("wandb")
    assert str(caught.value) == (
        "unknown logger 'wandb'\n"
        "  known here  csv, mlflow, none, tensorboard\n"
        '  try         execution.logger_backend = "csv"'
    )


@pytest.mark.parametrize(
    ("backend", "remedy"),
    [("mlflow", "pip install 'ptychopinn[mlflow]'"), ("tensorboard", "pip install tensorboard")],
)
def test_missing_package_is_named(
    backend: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the package behind a logger is not installed, the error names it and how to get it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match=backend) as caught:
        open_journal(backend, tmp_path)
    assert str(caught.value) == (
        f"execution.logger_backend is '{backend}', and the package {backend} is not installed\n"
        f"  expected  {backend} in this environment\n"
        f'  try       {remedy}, or execution.logger_backend = "csv"'
    )
    assert list(tmp_path.iterdir()) == []


SCRIPT = """
import json
import sys
from pathlib import Path
from ptycho.training.journal import find_logger

folder = Path(sys.argv[1])
logger = find_logger("tensorboard").open(folder, [])
logger.log({"epoch": 0.0, "train_loss": 1.5}, step=4)
logger.log({"epoch": 1.0, "train_loss": 0.5}, step=8)
logger.close()
frameworks = {"tensorflow", "keras", "torch", "lightning"}
imported = sorted({name.split(".")[0] for name in sys.modules} & frameworks)

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

[file] = (folder / "tensorboard").glob("events.out.tfevents.*")
events = EventAccumulator(str(file), size_guidance={"tensors": 0}).Reload()
scalars = {
    name: [[event.step, float(make_ndarray(event.tensor_proto))] for event in events.Tensors(name)]
    for name in events.Tags()["tensors"]
}
plugins = sorted({events.SummaryMetadata(name).plugin_data.plugin_name for name in scalars})
print(json.dumps([imported, scalars, plugins]))
"""


SCRIPT_OF_PICTURES = """
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from ptycho.run.resolve import resolve_run
from ptycho.training.journal import find_logger

folder = Path(sys.argv[1])
logger = find_logger("tensorboard").open(folder, [])
logger.begin(resolve_run("train", flags={"training.notes": "third try"}))
logger.look(lambda: None, step=4)
logger.look(lambda: SimpleNamespace(object=np.eye(3, 5) * 1j, coverage=np.ones((3, 5))), step=8)
logger.close()
frameworks = {"tensorflow", "keras", "torch", "lightning"}
imported = sorted({name.split(".")[0] for name in sys.modules} & frameworks)

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.metadata import parse_session_start_info_plugin_data as parse
from tensorboard.util.tensor_util import make_ndarray

[file] = (folder / "tensorboard").glob("events.out.tfevents.*")
events = EventAccumulator(str(file), size_guidance={"tensors": 0}).Reload()
pictures = {}
for name in ("amplitude", "phase"):
    [event] = events.Tensors(name)
    width, height, picture = make_ndarray(event.tensor_proto)
    pictures[name] = [event.step, width.decode(), height.decode(), picture[:4].hex()]
text = make_ndarray(events.Tensors("settings")[0].tensor_proto)[0].decode()
start = parse(events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content)
hyperparameters = start.hparams["training.nepochs"].number_value
print(json.dumps([imported, pictures, 'notes = "third try"' in text, hyperparameters]))
"""


@pytest.mark.slow
def test_tensorboard_shows_pictures_and_settings(tmp_path: Path) -> None:
    """Amplitude and phase are PNG files of the picture's size, settings are text and hyperparameters."""
    command = [sys.executable, "-c", SCRIPT_OF_PICTURES, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines()[-1] == (
        '[[], {"amplitude": [8, "5", "3", "89504e47"], "phase": [8, "5", "3", "89504e47"]}, true, 50.0]'
    )


@pytest.mark.slow
def test_tensorboard_reads_the_scalars(tmp_path: Path) -> None:
    """Every metric of every epoch is a scalar at its step in one file, and no framework is in the process."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.splitlines()[-1] == (
        '[[], {"epoch": [[4, 0.0], [8, 1.0]], "train_loss": [[4, 1.5], [8, 0.5]]}, ["scalars"]]'
    )
