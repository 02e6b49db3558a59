"""Where the epochs of a training are written down; the entries of `loggers` are made of this."""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ptycho.errors import BackendError
from ptycho.settings.registries import LOGGERS
from ptyconf.errors import error_text

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


@dataclass(frozen=True)
class Logger:
    """An entry of the registry of loggers.

    Attributes:
        open: Opens the journal of a run folder; it also gets the rows of the training that is resumed.
        package: What has to be installed, "" for nothing.
        install: The command that installs it.
    """

    open: Callable[[Path, Sequence[Row]], Journal]
    package: str = ""
    install: str = ""


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
