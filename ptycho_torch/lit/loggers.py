"""Where the course of a training is written: a CSV table, TensorBoard, MLflow or nowhere."""

import csv
import importlib.util
import os
import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from lightning.pytorch.loggers.logger import Logger

from ptycho.atomic import replacing

METRICS_FILE = "metrics.csv"
BACKENDS = ("csv", "tensorboard", "mlflow", "none")

_FIRST_COLUMNS = ("epoch", "train_loss", "val_loss")
_LAST_COLUMNS = ("lr", "intensity_scale", "seconds")


class EpochTable(Logger):
    """Write one row for each epoch; the file is whole after every one of them.

    Args:
        path: The CSV file.
        rows: Epochs of the training that is resumed.
    """

    def __init__(self, path: Path, rows: list[dict[str, float]] | None = None) -> None:
        super().__init__()
        self.path = path
        self.rows = {int(row["epoch"]): dict(row) for row in rows or []}

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
        epoch = int(metrics["epoch"])
        self.rows.setdefault(epoch, {"epoch": epoch}).update(
            {name: float(value) for name, value in metrics.items() if name != "epoch"}
        )

    def save(self) -> None:
        """Replace the file by the rows so far."""
        if not self.rows:
            return
        columns = arrange(self.rows.values())
        with replacing(self.path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(_written(self.rows[epoch]) for epoch in sorted(self.rows))

    def finalize(self, status: str) -> None:  # noqa: ARG002
        """Write what is left."""
        self.save()


def _written(row: dict[str, float]) -> dict[str, str]:
    """Give the digits that single precision holds."""
    return {name: f"{value:.7g}" for name, value in row.items()}


def arrange(rows: Any) -> list[str]:
    """Order the columns: epoch and losses first, terms by name, then rate, scale and time."""
    present = {name for row in rows for name in row}
    middle = sorted(present.difference(_FIRST_COLUMNS, _LAST_COLUMNS))
    return [
        *(name for name in _FIRST_COLUMNS if name in present),
        *middle,
        *(name for name in _LAST_COLUMNS if name in present),
    ]


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
    raise ValueError(
        f"Unknown logger_backend '{backend}'\n"
        f"  expected  one of {', '.join(BACKENDS)}\n"
        '  try       execution.logger_backend = "csv"'
    )


def keep_tensorflow_out() -> None:
    """Make TensorBoard use its own stand-in for TensorFlow.

    `tensorboard.compat` imports TensorFlow where it is installed, unless a module `tensorboard.compat.notf`
    exists: the switch that TensorBoard's own build uses for its variant without TensorFlow.
    """
    name = "tensorboard.compat.notf"
    if name not in sys.modules:
        sys.modules[name] = ModuleType(name)


def _tensorboard(folder: Path) -> Logger:
    _require("tensorboard", "tensorboard", "pip install tensorboard")
    keep_tensorflow_out()
    from lightning.pytorch.loggers import TensorBoardLogger

    return TensorBoardLogger(save_dir=folder, name="tensorboard", version="", default_hp_metric=False)


def _mlflow(folder: Path) -> Logger:
    _require("mlflow", "mlflow", "pip install 'ptychopinn[mlflow]'")
    from lightning.pytorch.loggers import MLFlowLogger

    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder / 'mlflow.db'}"
    return MLFlowLogger(experiment_name="ptychopinn", run_name=folder.name, tracking_uri=uri)


def _require(backend: str, package: str, remedy: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise RuntimeError(
            f"execution.logger_backend is '{backend}', and the package {package} is not installed\n"
            f"  expected  {package} in this environment\n"
            f'  try       {remedy}, or execution.logger_backend = "csv"'
        )
