"""Metrics in a tracking store of MLflow."""

import importlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ptycho.training.journal import Logger, Row
from ptycho.training.launch import read_launch

EXPERIMENT = "ptychopinn"

_STORE = "MLFLOW_TRACKING_URI"


class TrackedRun:
    """Write metrics to a tracking store of MLflow.

    Args:
        folder: The run folder; it names the run, and holds the store where the environment names none.
        rows: Left alone: the store keeps the run of the training that is resumed.
    """

    def __init__(self, folder: Path, rows: Sequence[Row] = ()) -> None:
        del rows
        client = importlib.import_module("mlflow.tracking").MlflowClient
        self._client: Any = client(tracking_uri=tracking_store(folder))
        experiment = self._client.get_experiment_by_name(EXPERIMENT)
        number = experiment.experiment_id if experiment else self._client.create_experiment(EXPERIMENT)
        self._run = self._client.create_run(number, run_name=folder.name).info.run_id

    def log(self, row: Row, step: int) -> None:
        """Write the metrics of an epoch."""
        for name, value in row.items():
            self._client.log_metric(self._run, name, value, step=step)

    def close(self) -> None:
        """Mark the run as finished."""
        self._client.set_terminated(self._run)


def tracking_store(folder: Path) -> str:
    """Give the tracking store: the one that the environment names, else a file in the run folder."""
    return os.environ.get(_STORE) or f"sqlite:///{folder / 'mlflow.db'}"


def _has_own_store() -> bool:
    """Tell whether the environment names a store, and no other process of the training writes to it."""
    return bool(os.environ.get(_STORE)) and read_launch().first


LOGGER = Logger(
    TrackedRun, package="mlflow", install="pip install 'ptychopinn[mlflow]'", elsewhere=_has_own_store
)
