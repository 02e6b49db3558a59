"""Where the course of a training is written: a CSV table, TensorBoard, MLflow or nowhere."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import tensorflow as tf

from ptycho.training.loggers import MLFLOW_EXPERIMENT, mlflow_uri, require_package, unknown_logger
from ptycho.training.table import METRICS_FILE, MetricsTable


class Logger(Protocol):
    """Writes epochs down."""

    def log(self, row: Mapping[str, float], step: int) -> None:
        """Write one epoch, which ended after that many steps of the training."""
        ...

    def close(self) -> None:
        """Finish the files."""
        ...


class EpochTable:
    """Write one row for each epoch; the file is whole after every one of them.

    Args:
        path: The CSV file.
        rows: Epochs of the training that is resumed.
    """

    def __init__(self, path: Path, rows: list[dict[str, float]] | None = None) -> None:
        self._table = MetricsTable(path, rows)

    def log(self, row: Mapping[str, float], step: int) -> None:  # noqa: ARG002
        """Add a row, and replace the file."""
        self._table.add(row)
        self._table.save()

    def close(self) -> None:
        """Write nothing: the file is whole."""


class EventFile:
    """Write scalars for TensorBoard.

    Args:
        folder: Where the event file goes.
    """

    def __init__(self, folder: Path) -> None:
        self._writer = tf.summary.create_file_writer(str(folder))

    def log(self, row: Mapping[str, float], step: int) -> None:
        """Write one scalar for each metric."""
        with self._writer.as_default():
            for name, value in row.items():
                tf.summary.scalar(name, value, step=step)
        self._writer.flush()

    def close(self) -> None:
        """Close the event file."""
        self._writer.close()


class TrackedRun:
    """Write metrics to a tracking store of MLflow.

    Args:
        folder: The run folder; it names the run, and holds the store where the environment names none.
    """

    def __init__(self, folder: Path) -> None:
        client = importlib.import_module("mlflow.tracking").MlflowClient
        self._client: Any = client(tracking_uri=mlflow_uri(folder))
        experiment = self._client.get_experiment_by_name(MLFLOW_EXPERIMENT)
        number = experiment.experiment_id if experiment else self._client.create_experiment(MLFLOW_EXPERIMENT)
        self._run = self._client.create_run(number, run_name=folder.name).info.run_id

    def log(self, row: Mapping[str, float], step: int) -> None:
        """Write the metrics of an epoch."""
        for name, value in row.items():
            self._client.log_metric(self._run, name, value, step=step)

    def close(self) -> None:
        """Mark the run as finished."""
        self._client.set_terminated(self._run)


def make_loggers(
    backend: str | None, folder: Path, rows: list[dict[str, float]] | None = None
) -> list[Logger]:
    """Make the loggers of a setting.

    Args:
        backend: "csv", "tensorboard", "mlflow", or None or "none" for nothing.
        folder: The run folder.
        rows: Epochs of the training that is resumed, for the CSV table.

    Raises:
        ValueError: The name is none of the known ones.
        RuntimeError: The package behind the logger is not installed.
    """
    match backend:
        case None | "none":
            return []
        case "csv":
            return [EpochTable(folder / METRICS_FILE, rows)]
        case "tensorboard":
            require_package("tensorboard", "tensorboard", "pip install tensorboard")
            return [EventFile(folder / "tensorboard")]
        case "mlflow":
            require_package("mlflow", "mlflow", "pip install 'ptychopinn[mlflow]'")
            return [TrackedRun(folder)]
    raise unknown_logger(backend)
