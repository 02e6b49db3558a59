"""Scalars for TensorBoard, one for each metric of an epoch."""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from ptycho.training.journal import Logger, Row


class EventFile:
    """Write an event file into the folder `tensorboard` of a run.

    Args:
        folder: The run folder.
        rows: Left alone: the event files of the training that is resumed are not copied.
    """

    def __init__(self, folder: Path, rows: Sequence[Row] = ()) -> None:
        del rows
        keep_tensorflow_out()
        writer = import_module("tensorboard.summary").Writer
        self._writer: Any = writer(str(folder / "tensorboard"))

    def log(self, row: Row, step: int) -> None:
        """Write one scalar for each metric, where a viewer finds it at once."""
        for name, value in row.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        """Close the event file."""
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
