"""Scalars for TensorBoard, one for each metric of an epoch, beside the table `metrics.csv`."""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from ptycho.training.journal import Logger, Row
from ptycho.training.loggers.csv import MetricsTable


class EventFile:
    """Write an event file into the folder `tensorboard` of a run.

    Args:
        folder: The run folder.
        rows: Rows of the training that is resumed; they go into the table alone, for event files are not
            copied.
    """

    def __init__(self, folder: Path, rows: Sequence[Row] = ()) -> None:
        keep_tensorflow_out()
        self._table = MetricsTable(folder, rows)
        writer = import_module("tensorboard.summary").Writer
        self._writer: Any = writer(str(folder / "tensorboard"))

    def log(self, row: Row, step: int) -> None:
        """Write one scalar for each metric, where a viewer finds it at once, and a row of the table."""
        self._table.log(row, step)
        for name, value in row.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        """Close the event file and the table."""
        self._table.close()
        self._writer.close()


def keep_tensorflow_out() -> None:
    """Make TensorBoard use its own stand-in for TensorFlow.

    `tensorboard.compat` imports TensorFlow where it is installed, unless a module `tensorboard.compat.notf`
    exists: the switch that TensorBoard's own build uses for its variant without TensorFlow.
    """
    name = "tensorboard.compat.notf"
    if name not in sys.modules:
        sys.modules[name] = ModuleType(name)


LOGGER = Logger(EventFile, package="tensorboard", install="pip install tensorboard")
