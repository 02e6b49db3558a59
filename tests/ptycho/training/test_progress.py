"""Progress: a bar on a terminal, lines in a log, losses and the time left from the first epoch on."""

from __future__ import annotations

import io
import sys

import pytest

from ptycho.training.progress import Bar, Lines, open_progress


class Terminal(io.StringIO):
    """A stream that calls itself a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture
def clock() -> list[float]:
    """A clock that stands where the test puts it."""
    return [0.0]


def written(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Give the lines written since the last look."""
    return capsys.readouterr().err.splitlines()


def test_a_terminal_has_a_bar_and_a_log_has_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard error decides; a notebook's is no terminal."""
    assert isinstance(open_progress(2, 3), Lines)
    monkeypatch.setattr(sys, "stderr", Terminal())
    bar = open_progress(2, 3)
    bar.close()
    assert isinstance(bar, Bar)


def test_every_epoch_tells_losses_and_time_left(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    """From the first epoch on: share done, time passed, time left, both losses."""
    lines = Lines(4, 5, clock=lambda: clock[0])
    lines.begin_epoch(0)
    for _ in range(5):
        clock[0] += 4.0
        lines.advance()
    lines.end_epoch({"train_loss": 0.25, "val_loss": 0.5, "lr": 1e-3})
    assert written(capsys) == ["epoch 1/4  25 %  0:00:20 passed  0:01:00 left  train 0.25  val 0.5"]


def test_a_long_epoch_does_not_stay_silent(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    """A line every half minute within an epoch, with the losses of the epoch before."""
    lines = Lines(2, 100, clock=lambda: clock[0])
    lines.begin_epoch(0)
    for _ in range(50):
        clock[0] += 2.0
        lines.advance()
    told = written(capsys)
    assert len(told) == 3
    assert told[0] == "epoch 1/2  8 %  0:00:30 passed  0:06:10 left"


def test_short_epochs_do_not_flood_a_log(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    """Of a thousand epochs in ten seconds a dozen lines remain, the first and the last among them."""
    lines = Lines(1000, 1, clock=lambda: clock[0])
    for epoch in range(1000):
        lines.begin_epoch(epoch)
        clock[0] += 0.01
        lines.advance()
        lines.end_epoch({"train_loss": 1.0 / (epoch + 1)})
    told = written(capsys)
    assert 10 <= len(told) <= 12
    assert told[0].startswith("epoch 1/1000 ")
    assert told[-1] == "epoch 1000/1000  100 %  0:00:10 passed  0:00:00 left  train 0.001"


def test_a_resumed_training_counts_what_it_computes(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    """The time left follows from the epochs of this process, not from those before it."""
    lines = Lines(4, 1, epochs_before=2, clock=lambda: clock[0])
    lines.begin_epoch(2)
    clock[0] = 10.0
    lines.advance()
    lines.end_epoch({})
    lines.close()
    lines.end_epoch({})
    assert written(capsys) == ["epoch 3/4  75 %  0:00:10 passed  0:00:10 left"]
