"""The table ``metrics.csv``: one row for each epoch."""

import csv
from collections.abc import Iterable
from pathlib import Path

from ptycho.files.atomic import replacing
from ptycho.training.journal import Logger, Row

METRICS_FILE = "metrics.csv"

_FIRST_COLUMNS = ("epoch", "train_loss", "val_loss")
_LAST_COLUMNS = ("lr", "intensity_scale", "seconds")


class MetricsTable:
    """Keep one row for each epoch; the file is whole after every one of them.

    Args:
        folder: Where the file lies.
        rows: Epochs of the training that is resumed.
    """

    def __init__(self, folder: Path, rows: Iterable[Row] = ()) -> None:
        self.path = folder / METRICS_FILE
        self.rows = {int(row["epoch"]): dict(row) for row in rows}
        if self.rows:  # A training that is taken up after its last epoch logs no further one.
            self._write()

    def log(self, row: Row, step: int) -> None:  # noqa: ARG002  Other loggers count steps.
        """Add the row of an epoch, and replace the file by the rows so far."""
        epoch = int(row["epoch"])
        self.rows[epoch] = dict(row) | {"epoch": epoch}
        self._write()

    def _write(self) -> None:
        columns = arrange(self.rows.values())
        with replacing(self.path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(_with_float_digits(self.rows[number]) for number in sorted(self.rows))

    def close(self) -> None:
        """Write nothing: the file is whole."""


def _with_float_digits(row: Row) -> dict[str, str]:
    """Give the seven digits that single precision holds."""
    return {name: f"{float(value):.7g}" for name, value in row.items()}


def arrange(rows: Iterable[Row]) -> list[str]:
    """Order the columns: epoch and losses first, terms by name, then rate, scale and time."""
    present = {name for row in rows for name in row}
    middle = sorted(present.difference(_FIRST_COLUMNS, _LAST_COLUMNS))
    return [
        *(name for name in _FIRST_COLUMNS if name in present),
        *middle,
        *(name for name in _LAST_COLUMNS if name in present),
    ]


LOGGER = Logger(MetricsTable)
