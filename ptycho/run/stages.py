"""What a run is at: a line that lives on a terminal, or lines every so often in a log or a notebook.

A stage is told only where a command shows progress; without one, or around a training that shows its own, the
same code is silent.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Teller", "count", "in_notebook", "stage", "step", "telling"]

FIRST_S = 2.0
"""How long a stage may last before a log speaks of it: most are shorter, and a line each would be noise."""

EVERY_S = 30.0
"""How long a log may stay silent within a stage."""

LIVE_S = 0.25
"""How often the line on a terminal is written anew."""

CLEAR = "\x1b[K"
"""Clears a terminal's line from the cursor on."""


class Teller:
    """Tell of one stage after the other.

    Args:
        live: Whether a terminal shows it: one line, written anew, gone when the stage ends.
        write: Takes text.
        clock: Gives the time in seconds.
    """

    def __init__(
        self, *, live: bool, write: Callable[[str], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._live = live
        self._write = write
        self._clock = clock
        self._names: list[str] = []
        self._count = ""
        self._began = self._next = 0.0
        self._told = False
        self._lock = threading.Lock()

    @property
    def busy(self) -> bool:
        """Whether a stage goes on."""
        return bool(self._names)

    def begin(self, name: str) -> None:
        """Begin a stage, or a step of the one that goes on."""
        with self._lock:
            if not self._names:
                self._began, self._told = self._clock(), False
                self._next = self._began + (LIVE_S if self._live else FIRST_S)
            self._names.append(name)
            self._count = ""

    def count(self, text: str) -> None:
        """Say how far it is."""
        with self._lock:
            self._count = text

    def tick(self) -> None:
        """Say what goes on, where that is due."""
        with self._lock:
            if not self._names or self._clock() < self._next:
                return
            self._next = self._clock() + (LIVE_S if self._live else EVERY_S)
            self._say(self._line())
            self._told = True

    def end(self) -> None:
        """End the stage, or its step."""
        with self._lock:
            name = self._names.pop()
            self._count = ""
            if self._names or not self._told:
                return
            self._write(CLEAR if self._live else f"{name}: done after {self._passed()}\n")

    def clear(self) -> None:
        """Make room for a line of somebody else."""
        with self._lock:
            if self._live and self._names and self._told:
                self._write(CLEAR)

    def _line(self) -> str:
        parts = [": ".join(self._names), self._count, self._passed()]
        return "  ".join(part for part in parts if part)

    def _passed(self) -> str:
        return str(timedelta(seconds=round(self._clock() - self._began)))

    def _say(self, line: str) -> None:
        # The cursor stays at the beginning: whatever comes next takes the place of this line.
        self._write(f"{CLEAR}{line}\r" if self._live else f"{line}\n")


_teller: Teller | None = None


def in_notebook() -> bool:
    """Tell whether this process is the kernel of a notebook, where somebody waits below the cell."""
    return "ipykernel" in sys.modules


@contextmanager
def telling(*, on: bool) -> Iterator[None]:
    """Tell of the stages within a block, on standard error.

    Args:
        on: Whether progress is shown at all.
    """
    global _teller  # noqa: PLW0603  A process shows one progress.
    if not on or _teller is not None:
        yield
        return
    teller = _teller = Teller(live=sys.stderr.isatty(), write=_write)
    over = threading.Event()
    ticks = threading.Thread(target=_tick, args=(teller, over), daemon=True)
    handlers = [
        handler for name in ("ptycho", "ptycho_torch") for handler in logging.getLogger(name).handlers
    ]

    def make_room(_record: logging.LogRecord) -> bool:
        teller.clear()
        return True

    for handler in handlers:
        handler.addFilter(make_room)
    ticks.start()
    try:
        yield
    finally:
        over.set()
        _teller = None
        for handler in handlers:
            handler.removeFilter(make_room)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Tell that a stage of the run goes on within a block; within another stage it is a step of that."""
    teller = _teller
    if teller is None:
        yield
        return
    teller.begin(name)
    try:
        yield
    finally:
        teller.end()


@contextmanager
def step(name: str) -> Iterator[None]:
    """Tell of a step where a stage goes on; otherwise be silent."""
    if _teller is None or not _teller.busy:
        yield
        return
    with stage(name):
        yield


def count(done: int, total: int | None, what: str) -> None:
    """Say how far the stage that goes on is: so many of so many."""
    if _teller is not None and _teller.busy:
        _teller.count(f"{done} {what}" if total is None else f"{done} of {total} {what}")


def _tick(teller: Teller, over: threading.Event) -> None:
    while not over.wait(LIVE_S):
        teller.tick()


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
