"""What is added to a registry at run time trains with either backend, chosen in a settings file."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ptycho.commands.main import main
from ptycho.settings.registries import LOGGERS, SCHEDULERS
from ptycho.training.journal import Logger, Row
from ptycho.training.schedule import ByEpoch, OnPlateau


class Diary:
    """A logger of a test: one line of JSON for each epoch."""

    def __init__(self, folder: Path, rows: Sequence[Row]) -> None:
        self.path = folder / "diary.jsonl"
        self.path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))

    def log(self, row: Row, step: int) -> None:
        """Write an epoch."""
        with self.path.open("a") as file:
            file.write(f"{json.dumps({**row, 'step': step})}\n")

    def close(self) -> None:
        """Say that the training is over."""
        with self.path.open("a") as file:
            file.write('"end"\n')


@pytest.fixture
def additions() -> Iterator[None]:
    """Two schedulers and a logger that no file of the program knows."""
    SCHEDULERS.add("Thirds", ByEpoch(lambda epoch, optimisation: 3.0**-epoch))
    SCHEDULERS.add("Impatient", OnPlateau(factor=0.5, patience=-1, floor=0.0))
    LOGGERS.add("diary", Logger(Diary))
    yield
    SCHEDULERS.remove("Thirds")
    SCHEDULERS.remove("Impatient")
    LOGGERS.remove("diary")


def settings(folder: Path, **execution: str) -> Path:
    """Choose them in a settings file."""
    path = folder / "run.toml"
    written = "".join(f'{name} = "{value}"\n' for name, value in execution.items())
    path.write_text(path.read_text() + written)
    return path


def rates(folder: Path) -> list[float]:
    """Read the learning rates of a run."""
    with (folder / "run" / "metrics.csv").open(newline="") as file:
        return [float(row["lr"]) for row in csv.DictReader(file)]


@pytest.mark.usefixtures("additions")
@pytest.mark.parametrize(("name", "share"), [("Thirds", 1 / 3), ("Impatient", 1 / 2)])
def test_a_new_scheduler_sets_the_rates(job: Path, name: str, share: float) -> None:
    """A factor of the epoch, or a rule for plateaus, is all that a new scheduler has to say."""
    assert main(["train", str(settings(job, scheduler=name)), "--quiet"]) == 0
    first, second = rates(job)
    assert second == pytest.approx(share * first)


@pytest.mark.usefixtures("additions")
def test_a_new_logger_writes_every_epoch(job: Path) -> None:
    """It is opened with the run's folder, told each epoch with its steps, and closed."""
    assert main(["train", str(settings(job, logger_backend="diary")), "--quiet"]) == 0
    *epochs, end = map(json.loads, (job / "run" / "diary.jsonl").read_text().splitlines())
    assert end == "end"
    assert [(row["epoch"], row["step"]) for row in epochs] == [(0, 5), (1, 10)]
    assert {"train_loss", "val_loss", "lr", "intensity_scale", "seconds"} <= set(epochs[0])
    assert not (job / "run" / "metrics.csv").exists()


@pytest.mark.parametrize(("setting", "name"), [("scheduler", "Thirds"), ("logger_backend", "diary")])
def test_what_was_removed_is_unknown(
    job: Path, capsys: pytest.CaptureFixture[str], setting: str, name: str
) -> None:
    """Without its entry a name is refused before anything is read, with the names that there are."""
    assert main(["train", str(settings(job, **{setting: name})), "--quiet"]) != 0
    told = capsys.readouterr().err
    assert f"'{name}'" in told or f'"{name}"' in told
    assert {"scheduler": "MultiStage", "logger_backend": "tensorboard"}[setting] in told
