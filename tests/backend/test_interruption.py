"""Ctrl-C ends a training in good order, and it goes on where it stood, with either backend."""

from __future__ import annotations

import io
import re
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from ptycho.run.record import LAST_CHECKPOINT, best_checkpoint_name
from ptycho.training.schedule import OnPlateau
from ptycho.training.schedulers import reduce_on_plateau

pytestmark = pytest.mark.usefixtures("listening")

Train = Callable[..., Any]
Numbers = dict[str, np.ndarray]

STEPS = 4
"""Steps of an epoch of the small training."""


def press(times: int = 1) -> None:
    """Press Ctrl-C."""
    for _ in range(times):
        signal.raise_signal(signal.SIGINT)


def equal(first: Numbers, second: Numbers) -> bool:
    """Compare named arrays bit for bit."""
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("scheduler", ["Exponential", "ReduceLROnPlateau"])
def test_interrupted_training_resumes_on_the_same_way(
    scheduler: str,
    train_small: Train,
    weights_of: Callable[[Any], Numbers],
    side: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Resumed, it gives the weights and the optimiser of an uninterrupted training, bit for bit."""
    monkeypatch.setattr(reduce_on_plateau, "SCHEDULER", OnPlateau(patience=0))
    execution = {"scheduler": scheduler, "learning_rate": 0.05, "checkpoint_monitor_metric": "train_loss"}
    whole = train_small(tmp_path / "whole", execution, nepochs=7)
    with monkeypatch.context() as patch:
        side.before_step(patch, 5 * STEPS + 1, press)
        part = train_small(tmp_path / "part", execution, nepochs=7)
    rest = train_small(tmp_path / "rest", execution, nepochs=7, resume=tmp_path / "part")
    assert part.interrupted
    assert "the training was interrupted in epoch 6" in part.decisions
    assert len(side.checkpoint(tmp_path / "part/last.ckpt")[0]) == 5
    assert f"the training resumes from {tmp_path / 'part/last.ckpt'} after 5 epochs" in rest.decisions
    assert not rest.interrupted
    assert equal(*(side.checkpoint(tmp_path / name / "last.ckpt")[1] for name in ("whole", "rest")))
    assert equal(weights_of(whole), weights_of(rest))
    assert [row["lr"] for row in rest.history] == [row["lr"] for row in whole.history]
    assert len({row["lr"] for row in whole.history}) > 1
    assert rest.best_epoch == whole.best_epoch
    assert rest.best_checkpoint.parent == tmp_path / "rest"
    assert rest.best_checkpoint.is_file()
    assert (tmp_path / "rest/metrics.csv").read_text().count("\n") == 8


def test_a_kill_between_two_checkpoints_loses_no_epoch(
    train_small: Train, weights_of: Callable[[Any], Numbers], side: ModuleType, tmp_path: Path
) -> None:
    """What only the file of a best epoch holds is taken up; the end has the bits of the undisturbed one."""
    execution = {"checkpoint_save_top_k": 4}
    whole = train_small(tmp_path / "whole", execution, nepochs=4)
    for number, last in enumerate([None, 1]):
        killed, folder = tmp_path / f"{number}.partial", tmp_path / f"rest-{number}"
        killed.mkdir()
        for epoch in range(3):
            shutil.copy(tmp_path / "whole" / best_checkpoint_name(epoch), killed)
        if last is not None:
            shutil.copy(tmp_path / "whole" / best_checkpoint_name(last), killed / LAST_CHECKPOINT)
        rest = train_small(folder, execution, nepochs=4, resume=tmp_path / str(number))
        newest = killed / best_checkpoint_name(2)
        assert f"the training resumes from {newest} after 3 epochs" in rest.decisions
        numbers = (side.checkpoint(place / LAST_CHECKPOINT)[1] for place in (tmp_path / "whole", folder))
        assert equal(*numbers)
        assert equal(weights_of(whole), weights_of(rest))
        names = ({path.name for path in place.glob("*.ckpt")} for place in (tmp_path / "whole", folder))
        assert next(names) == next(names)


def test_second_ctrl_c_aborts(
    train_small: Train, side: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pressed twice, Ctrl-C is KeyboardInterrupt for the caller; the last checkpoint stays."""
    side.before_step(monkeypatch, STEPS, partial(press, 2))
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train_small(tmp_path, nepochs=3)
    assert signal.getsignal(signal.SIGINT) is handler
    assert len(side.checkpoint(tmp_path / "last.ckpt")[0]) == 1


def test_an_epoch_is_told_once_it_is_kept(
    train_small: Train, side: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a line says "epoch 2/3", the checkpoint of that epoch has its name: no kill takes it back."""
    kept_epochs: dict[int, int] = {}

    class Log(io.StringIO):
        def write(self, text: str) -> int:
            for epoch in re.findall(r"^epoch (\d+)/3", text):
                kept_epochs[int(epoch)] = len(side.checkpoint(tmp_path / LAST_CHECKPOINT)[0])
            return super().write(text)

    monkeypatch.setattr(sys, "stderr", Log())
    train_small(tmp_path, {"enable_progress_bar": True}, nepochs=3)
    assert {1, 3} <= kept_epochs.keys()
    assert all(epoch == kept for epoch, kept in kept_epochs.items())
