"""Where the course of a training is written: a CSV table, TensorBoard, MLflow or nowhere."""

import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from lightning.pytorch.loggers.logger import Logger

from ptycho.training.loggers import MLFLOW_EXPERIMENT, mlflow_uri, require_package, unknown_logger
from ptycho.training.table import METRICS_FILE, MetricsTable


class EpochTable(Logger):
    """Write one row for each epoch; the file is whole after every one of them.

    Args:
        path: The CSV file.
        rows: Epochs of the training that is resumed.
    """

    def __init__(self, path: Path, rows: list[dict[str, float]] | None = None) -> None:
        super().__init__()
        self._table = MetricsTable(path, rows)

    @property
    def name(self) -> str:
        """The kind of logger."""
        return "csv"

    @property
    def version(self) -> str:
        """Nothing: a run folder holds one table."""
        return ""

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Write nothing: the settings of a run have files of their own."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:  # noqa: ARG002
        """Add what was measured to the row of its epoch."""
        self._table.add(metrics)

    def save(self) -> None:
        """Replace the file by the rows so far."""
        self._table.save()

    def finalize(self, status: str) -> None:  # noqa: ARG002
        """Write what is left."""
        self.save()


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
            return [_tensorboard(folder)]
        case "mlflow":
            return [_mlflow(folder)]
    raise unknown_logger(backend)


def keep_tensorflow_out() -> None:
    """Make TensorBoard use its own stand-in for TensorFlow.

    `tensorboard.compat` imports TensorFlow where it is installed, unless a module `tensorboard.compat.notf`
    exists: the switch that TensorBoard's own build uses for its variant without TensorFlow.
    """
    name = "tensorboard.compat.notf"
    if name not in sys.modules:
        sys.modules[name] = ModuleType(name)


def _tensorboard(folder: Path) -> Logger:
    require_package("tensorboard", "tensorboard", "pip install tensorboard")
    keep_tensorflow_out()
    from lightning.pytorch.loggers import TensorBoardLogger

    return TensorBoardLogger(save_dir=folder, name="tensorboard", version="", default_hp_metric=False)


def _mlflow(folder: Path) -> Logger:
    require_package("mlflow", "mlflow", "pip install 'ptychopinn[mlflow]'")
    from lightning.pytorch.loggers import MLFlowLogger

    return MLFlowLogger(
        experiment_name=MLFLOW_EXPERIMENT, run_name=folder.name, tracking_uri=mlflow_uri(folder)
    )
