"""The table ``metrics.csv``: one row for each epoch."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from ptycho.files.atomic import replacing

METRICS_FILE = "metrics.csv"

_FIRST_COLUMNS = ("epoch", "train_loss", "val_loss")
_LAST_COLUMNS = ("lr", "intensity_scale", "seconds")


class MetricsTable:
    """Keep one row for each epoch; the file is whole after every save.

    Args:
        path: The CSV file.
        rows: Epochs of the training that is resumed.
    """

    def __init__(self, path: Path, rows: Iterable[Mapping[str, float]] | None = None) -> None:
        self.path = path
        self.rows = {int(row["epoch"]): dict(row) for row in rows or []}

    def add(self, metrics: Mapping[str, float]) -> None:
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


def _written(row: Mapping[str, float]) -> dict[str, str]:
    """Give the digits that single precision holds."""
    return {name: f"{value:.7g}" for name, value in row.items()}


def arrange(rows: Iterable[Mapping[str, float]]) -> list[str]:
    """Order the columns: epoch and losses first, terms by name, then rate, scale and time."""
    present = {name for row in rows for name in row}
    middle = sorted(present.difference(_FIRST_COLUMNS, _LAST_COLUMNS))
    return [
        *(name for name in _FIRST_COLUMNS if name in present),
        *middle,
        *(name for name in _LAST_COLUMNS if name in present),
    ]
