"""Losses, pictures and settings for TensorBoard, beside the table `metrics.csv`."""

import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ptycho.reconstruction.small_pictures import small_pictures
from ptycho.training.journal import Draw, Logger, Row
from ptycho.training.loggers.csv import MetricsTable
from ptyconf import Resolution
from ptyconf.report import dump_toml


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
        writer = import_module("tensorboard.summary.writer.event_file_writer").EventFileWriter
        self._writer: Any = writer(str(folder / "tensorboard"))

    def begin(self, settings: Resolution) -> None:
        """Write the settings, as text and as hyperparameters by which runs are compared."""
        hyperparameters = import_module("tensorboard.plugins.hparams.summary_v2").hparams_pb
        scalars = (bool, int, float, str)
        values = {path: value for path, value in settings.items() if isinstance(value, scalars)}
        self._add(hyperparameters(values), step=0)
        # Four spaces before a line make it code in Markdown.
        text = "".join(f"    {line}\n" for line in dump_toml(settings).splitlines())
        self._add_value("settings", "text", [text.encode()], step=0)
        self._writer.flush()

    def log(self, row: Row, step: int) -> None:
        """Write one scalar for each metric, where a viewer finds it at once, and a row of the table."""
        self._table.log(row, step)
        for name, value in row.items():
            self._add_value(name, "scalar", np.float32(value), step)
        self._writer.flush()

    def look(self, draw: Draw, step: int) -> None:
        """Write amplitude and phase of the picture, where one is drawn."""
        reconstruction = draw()
        if reconstruction is None:
            return
        height, width = reconstruction.object.shape
        for name, drawing in small_pictures(reconstruction.object, reconstruction.coverage).items():
            self._add_value(name, "image", [str(width).encode(), str(height).encode(), drawing], step)
        self._writer.flush()

    def close(self) -> None:
        """Close the event file and the table."""
        self._table.close()
        self._writer.close()

    def _add_value(self, tag: str, plugin: str, value: Any, step: int) -> None:
        """Add a value that one of TensorBoard's plugins shows under a tag."""
        summaries = import_module("tensorboard.compat.proto.summary_pb2")
        tensors = import_module("tensorboard.util.tensor_util")
        metadata = import_module(f"tensorboard.plugins.{plugin}.metadata").create_summary_metadata(tag, "")
        summary = summaries.Summary()
        summary.value.add(tag=tag, metadata=metadata, tensor=tensors.make_tensor_proto(value))
        self._add(summary, step)

    def _add(self, summary: Any, step: int) -> None:
        event = import_module("tensorboard.compat.proto.event_pb2").Event
        self._writer.add_event(event(wall_time=time.time(), step=step, summary=summary))


def keep_tensorflow_out() -> None:
    """Make TensorBoard use its own stand-in for TensorFlow.

    `tensorboard.compat` imports TensorFlow where it is installed, unless a module `tensorboard.compat.notf`
    exists: the switch that TensorBoard's own build uses for its variant without TensorFlow.
    """
    name = "tensorboard.compat.notf"
    if name not in sys.modules:
        sys.modules[name] = ModuleType(name)


LOGGER = Logger(EventFile, package="tensorboard", install="pip install tensorboard")
