"""Where the course of a training may be written, and the words for what is missing."""

import importlib.util
import os
from pathlib import Path

from ptycho.errors import BackendError

LOGGERS = ("csv", "tensorboard", "mlflow", "none")

MLFLOW_EXPERIMENT = "ptychopinn"


def unknown_logger(name: str) -> ValueError:
    """Make the error of a logger that is none of the known ones."""
    return ValueError(
        f"Unknown logger_backend '{name}'\n"
        f"  expected  one of {', '.join(LOGGERS)}\n"
        '  try       execution.logger_backend = "csv"'
    )


def require_package(backend: str, package: str, remedy: str) -> None:
    """Accept a logger whose package is installed.

    Args:
        backend: The logger, as `execution.logger_backend` names it.
        package: What it needs.
        remedy: The command that installs it.

    Raises:
        BackendError: The package is missing; a RuntimeError.
    """
    if importlib.util.find_spec(package) is None:
        raise BackendError(
            f"execution.logger_backend is '{backend}', and the package {package} is not installed\n"
            f"  expected  {package} in this environment\n"
            f'  try       {remedy}, or execution.logger_backend = "csv"'
        )


def mlflow_uri(folder: Path) -> str:
    """Give the tracking store: the one that the environment names, else a file in the run folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder / 'mlflow.db'}"
