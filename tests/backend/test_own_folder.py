"""What a user does to a training while it goes on, or has cut short, costs no epoch."""

from __future__ import annotations

import csv
import json
import signal
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from ptycho.commands.main import main

pytestmark = pytest.mark.usefixtures("listening")

STEPS = 5
"""Steps of an epoch of the training in the folder `job`."""


@pytest.fixture
def train(job: Path, side: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Train three epochs into a folder; something happens in the second one, where that is asked for."""

    def run(*words: str, meanwhile: Callable[[], object] | None = None) -> int:
        command = ["train", "run.toml", "--output_dir", "own", "--nepochs", "3"]
        with monkeypatch.context() as patch:
            if meanwhile is not None:
                side.before_step(patch, STEPS + 2, meanwhile)
            return main([*command, "--quiet", *words])

    return run


def epochs_of(run: Path) -> list[int]:
    """List the epochs that a run has written down."""
    with (run / "metrics.csv").open(newline="") as file:
        return [int(float(row["epoch"])) for row in csv.DictReader(file)]


def test_what_ctrl_c_ended_early_goes_on(
    train: Callable[..., int], job: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run with its name that lacks epochs is no whole one for ``--resume``: they are trained."""
    assert train(meanwhile=lambda: signal.raise_signal(signal.SIGINT)) == 130
    assert json.loads((job / "own" / "run.json").read_text())["epochs_left"] == 2
    capsys.readouterr()
    assert main(["finish", "own"]) == 0
    words = f"ptycho train {job / 'own' / 'settings.toml'} --output_dir {job / 'own'} --resume"
    assert capsys.readouterr().err == (
        f"Ctrl-C kept the training from 2 epochs; to go on: {words}\n"
        f"{job / 'own'} is a whole run: nothing is missing\n"
    )
    assert main([*words.split()[1:], "--quiet"]) == 0
    assert epochs_of(job / "own") == [0, 1, 2]
    assert {path.name for path in job.glob("own*")} == {"own", "own.1"}
    before = (job / "own" / "run.json").read_bytes()
    assert train("--resume") == 0
    assert (job / "own" / "run.json").read_bytes() == before


def test_a_folder_that_is_renamed_meanwhile_costs_nothing(
    train: Callable[..., int], job: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is made anew, with everything that a run folder holds, and told; what was renamed stays."""
    partial = job / "own.partial"
    assert train(meanwhile=lambda: partial.rename(job / "mine")) == 0
    told = f"{partial} was renamed or removed while the training goes on: it is made anew"
    assert capsys.readouterr().err.splitlines().count(told) == 1
    names = {"run.json", "settings.toml", "provenance.json", "last.ckpt", "wts.h5.zip", "report.md"}
    assert {path.name for path in (job / "own").iterdir()} >= names
    assert epochs_of(job / "own") == [0, 1, 2]
    assert (job / "mine" / "last.ckpt").is_file()
