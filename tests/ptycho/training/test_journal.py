"""Epochs are written down where the settings say, and shown to whoever watches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ptycho.run.resolve import resolve_run
from ptycho.training.epoch_pictures import FIRST_AFTER_S, FRAMES, SHARE, EpochPictures, middle
from ptycho.training.journal import Journals
from ptycho.training.plan import Plan


class Watcher:
    """Keeps what it is told; fails where it is asked to."""

    def __init__(self, fails_at: str = "") -> None:
        self.heard: list[str] = []
        self.fails_at = fails_at

    def _hear(self, what: str) -> None:
        if what == self.fails_at:
            raise OSError("no space left")
        self.heard.append(what)

    def begin(self, settings: object) -> None:
        """Hear of the settings."""
        self._hear("begin")

    def log(self, row: object, step: int) -> None:
        """Hear of an epoch."""
        self._hear("log")

    def look(self, draw: Callable[[], object], step: int) -> None:
        """Hear of a picture."""
        self._hear("look")

    def close(self) -> None:
        """Hear of the end."""
        self._hear("close")


@pytest.mark.parametrize("fails_at", ["begin", "log", "look", "close"])
def test_a_watcher_that_fails_is_left_out(fails_at: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is told once; the journal and the other watchers hear everything."""
    journal, good, bad = Watcher(), Watcher(), Watcher(fails_at)
    journals = Journals(journal, [bad, good], resolve_run("train"))
    for _ in range(2):
        journals.log({"epoch": 0.0}, 1, lambda: None)
    journals.close()
    assert journal.heard == good.heard == ["begin", *["log", "look"] * 2, "close"]
    assert fails_at not in bad.heard
    assert caplog.text.count("shows nothing more: OSError: no space left") == 1


def test_an_error_of_the_journal_ends_the_training() -> None:
    """What the settings ask for is not optional."""
    with pytest.raises(OSError, match="no space left"):
        Journals(Watcher("log"), [], resolve_run("train")).log({"epoch": 0.0}, 1, lambda: None)


def test_the_middle_of_a_scan_is_a_neighbourhood() -> None:
    """The frames nearest to the middle, sorted, never more than there are."""
    x, y = np.meshgrid(np.arange(9.0), np.arange(9.0))
    positions = np.stack([x.ravel(), y.ravel()], axis=1)
    assert sorted(map(tuple, positions[middle(positions, 5)])) == [(3, 4), (4, 3), (4, 4), (4, 5), (5, 4)]
    assert np.array_equal(middle(positions, 100), np.arange(81))


def test_pictures_take_a_small_share_of_the_time(plan_of: Callable[..., Plan]) -> None:
    """Not before a training is worth it, once an epoch, and rarely where they are slow."""
    now = [0.0]
    asked: list[int] = []
    took = 2.0

    def reconstruct(_network: Any, _normalisation: Any, scan: Any, **_options: Any) -> Any:
        asked.append(len(scan))
        now[0] += took
        return "picture"

    pictures: Any = EpochPictures(plan_of(), reconstruct, "cpu", clock=lambda: now[0])
    assert pictures.after_epoch(lambda: None)() is None
    now[0] = FIRST_AFTER_S
    draw = pictures.after_epoch(lambda: None)
    assert [draw(), draw()] == ["picture", "picture"]
    assert asked == [min(FRAMES, 40)]
    assert pictures.after_epoch(lambda: None)() is None
    now[0] += took / SHARE
    assert pictures.after_epoch(lambda: None)() == "picture"
