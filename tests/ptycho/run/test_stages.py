"""A run tells what it is at, on a terminal and in a log, and is silent where nobody wants to know."""

from __future__ import annotations

import logging
import sys

import pytest

from ptycho.run import stages
from ptycho.run.stages import Teller, count, in_notebook, stage, step, telling


class Clock:
    """A clock that somebody sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Give the time."""
        return self.now


def told(*, live: bool) -> tuple[Teller, Clock, list[str]]:
    """Give a teller with its clock, and what it wrote."""
    clock, written = Clock(), list[str]()
    return Teller(live=live, write=written.append, clock=clock), clock, written


def test_a_log_gets_a_line_every_so_often() -> None:
    """Nothing of a short stage; of a long one its name, how far it is, and that it is over."""
    teller, clock, written = told(live=False)
    teller.begin("reading")
    clock.now = 1.0
    teller.tick()
    teller.end()
    assert written == []
    teller.begin("reconstructing")
    for second in range(2, 64):
        clock.now = float(second)
        teller.count(f"{second} of 90 sweeps")
        teller.tick()
    teller.end()
    assert written == [
        "reconstructing  3 of 90 sweeps  0:00:02\n",
        "reconstructing  33 of 90 sweeps  0:00:32\n",
        "reconstructing  63 of 90 sweeps  0:01:02\n",
        "reconstructing: done after 0:01:02\n",
    ]


def test_a_terminal_has_one_line() -> None:
    """The line is written anew with its steps, makes room for a message, and is gone at the end."""
    teller, clock, written = told(live=True)
    teller.begin("reconstructing")
    teller.begin("refining")
    clock.now = 1.0
    teller.tick()
    assert written == ["\x1b[Kreconstructing: refining  0:00:01\r"]
    teller.clear()
    teller.end()
    teller.end()
    assert written[1:] == ["\x1b[K", "\x1b[K"]
    assert not teller.busy


def test_nothing_is_told_unless_it_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a command that shows progress stages, steps and counts are silent."""
    with telling(on=False), stage("reading"):
        count(1, 2, "frames")
        with step("looking"):
            pass
    assert capsys.readouterr() == ("", "")


def test_a_stage_is_told_while_it_lasts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stage that takes longer than a moment speaks by itself, also while the program computes."""
    monkeypatch.setattr(stages, "FIRST_S", 0.0)
    monkeypatch.setattr(stages, "LIVE_S", 0.01)
    monkeypatch.setattr(stages, "EVERY_S", 0.0)  # the first line may come before the count
    said = ""
    with telling(on=True), stage("reading"):
        count(3, None, "files")
        while "reading  3 files" not in said:
            said += capsys.readouterr().err
    assert "reading: done after 0:00:" in said + capsys.readouterr().err


def test_an_error_ends_a_stage() -> None:
    """What is raised in a stage passes, and the next run tells anew; handlers are left as they were."""
    handler = logging.StreamHandler(sys.stderr)
    logging.getLogger("ptycho").addHandler(handler)
    try:
        with pytest.raises(ValueError, match="broken"), telling(on=True), stage("reading"):
            raise ValueError("broken")
        assert handler.filters == []
    finally:
        logging.getLogger("ptycho").removeHandler(handler)
    with telling(on=True), step("alone"):
        assert stages._teller is not None
        assert not stages._teller.busy


def test_a_notebook_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below its cell somebody waits; a program that calls the library stays silent."""
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    assert not in_notebook()
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    assert in_notebook()
