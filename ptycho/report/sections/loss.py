"""The loss of every epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.report.figures.loss import save_loss
from ptycho.report.markdown_text import picture
from ptycho.report.section import ReportSection

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.report.results import Results


FILE_NAME = "loss.png"
_CURVES = {"train_loss": "training", "val_loss": "validation (held out)"}


def _write(results: Results, folder: Path) -> list[str]:
    training = results.training
    if training is None:
        return []
    curves = {
        label: [row.get(column, float("nan")) for row in training.history]
        for column, label in _CURVES.items()
        if any(column in row for row in training.history)
    }
    best = None if training.best_epoch is None else training.best_epoch + 1
    save_loss(folder / FILE_NAME, curves, best_epoch=best)
    return [picture(FILE_NAME, "Loss after each epoch")]


SECTION = ReportSection(heading="Pictures", order=37, write=_write)
