"""Where the epochs of a training are written down; the entries of `loggers` are made of this."""

import importlib.util
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from ptycho.errors import BackendError
from ptycho.reconstruction.result import Reconstruction
from ptycho.settings.registries import LOGGERS
from ptyconf import Resolution
from ptyconf.errors import error_text

_log = logging.getLogger(__name__)

Row = Mapping[str, float]
"""What was measured in one epoch, with the epoch's number, counted from 0."""


class Journal(Protocol):
    """What an open logger writes."""

    def log(self, row: Row, step: int) -> None:
        """Write one epoch, which ended after that many steps of the training."""
        ...

    def close(self) -> None:
        """Finish the files."""
        ...


Draw = Callable[[], Reconstruction | None]
"""Gives what the network makes of a part of the scan by now; None where that would hold up the training."""


@runtime_checkable
class PictureJournal(Protocol):
    """A journal that also shows the settings and the picture as it grows."""

    def begin(self, settings: Resolution) -> None:
        """Take the settings of the training, before its first epoch."""
        ...

    def look(self, draw: Draw, step: int) -> None:
        """Show the picture after an epoch, whose row was logged before."""
        ...


OpenJournal = Callable[[Path, Sequence[Row]], Journal]
"""Opens the journal of a run folder; it also gets the rows of the training that is resumed."""


class Journals:
    """Write epochs into the journal that the settings name, and show them to others beside it.

    Args:
        journal: Its errors end the training, but for those of a disk: it was asked for.
        watchers: Who watches is no reason to lose a run: one that fails is told once and left out.
        settings: The settings of the training.
    """

    def __init__(self, journal: Journal, watchers: Sequence[Journal], settings: Resolution) -> None:
        self._journal, self._watchers = journal, list(watchers)
        if isinstance(journal, PictureJournal):
            journal.begin(settings)
        self._show("begin", settings)

    def log(self, row: Row, step: int, draw: Draw) -> None:
        """Write one epoch, which ended after that many steps of the training."""
        self._journal.log(row, step)
        if isinstance(self._journal, PictureJournal):
            self._journal.look(draw, step)
        self._show("log", row, step)
        self._show("look", draw, step)

    def close(self) -> None:
        """Finish the files."""
        self._journal.close()
        self._show("close")

    def _show(self, method: str, *arguments: object) -> None:
        """Call a method of every watcher that has it."""
        for watcher in tuple(self._watchers):
            try:
                getattr(watcher, method, _nothing)(*arguments)
            except Exception as error:  # noqa: BLE001  A page to look at may fail in any way; the training goes on.
                self._watchers.remove(watcher)
                _log.warning("%s shows nothing more: %s: %s", watcher, type(error).__name__, error)


class LastingJournal:
    """A journal whose disk may be full: what it cannot write down is told once, and the training goes on.

    Args:
        open_journal: Opens the journal beneath.
    """

    def __init__(self, open_journal: Callable[[], Journal]) -> None:
        self._silent = False
        self._journal: Journal | None = None
        self._pictures: PictureJournal | None = None
        with self._telling():
            self._journal = journal = open_journal()
            if isinstance(journal, PictureJournal):
                self._pictures = journal

    def begin(self, settings: Resolution) -> None:
        """Take the settings of the training, where the journal beneath does."""
        if self._pictures is not None:
            with self._telling():
                self._pictures.begin(settings)

    def log(self, row: Row, step: int) -> None:
        """Write one epoch, where that is possible."""
        if self._journal is not None:
            with self._telling():
                self._journal.log(row, step)

    def look(self, draw: Draw, step: int) -> None:
        """Show the picture, where the journal beneath does."""
        if self._pictures is not None:
            with self._telling():
                self._pictures.look(draw, step)

    def close(self) -> None:
        """Finish the files, where that is possible."""
        if self._journal is not None:
            with self._telling():
                self._journal.close()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if not self._silent:
                _log.warning("the epochs cannot be written down: %s", error)
            self._silent = True


def _nothing(*_arguments: object) -> None:
    """Do nothing: a journal need not show pictures."""


@dataclass(frozen=True)
class Logger:
    """An entry of the registry of loggers.

    Attributes:
        open: Opens the journal of a run folder; it also gets the rows of the training that is resumed.
        package: What has to be installed, "" for nothing.
        install: The command that installs it.
        elsewhere: Whether it writes to another place than the run folder, as things stand.
    """

    open: OpenJournal
    package: str = ""
    install: str = ""
    elsewhere: Callable[[], bool] = lambda: False


def find_logger(name: str | None) -> Logger:
    """Give a logger whose package is installed, before any work is done.

    Args:
        name: `execution.logger_backend`; None is "none".

    Raises:
        UnknownEntryError: There is no such logger; a ValueError.
        BackendError: Its package is missing; a RuntimeError.
    """
    logger: Logger = LOGGERS[name or "none"]
    if logger.package and importlib.util.find_spec(logger.package) is None:
        raise BackendError(
            error_text(
                f"execution.logger_backend is '{name}', and the package {logger.package} is not installed",
                expected=f"{logger.package} in this environment",
                hint=f'{logger.install}, or execution.logger_backend = "csv"',
            )
        )
    return logger
