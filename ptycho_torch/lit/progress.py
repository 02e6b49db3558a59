"""One progress bar for a whole training."""

import sys
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import ProgressBar
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class TrainingBar(ProgressBar):
    """Show epochs, losses and the time left in a single line that ends with the training.

    Validation does not get a bar of its own. Where standard error is no terminal, the line appears once,
    at the end.
    """

    def __init__(self) -> None:
        super().__init__()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._enabled = True

    def enable(self) -> None:
        """Draw the bar (on the first process of a distributed training)."""
        self._enabled = True

    def disable(self) -> None:
        """Draw nothing (on the other processes of a distributed training)."""
        self._enabled = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Open the bar where the training stands: at zero, or at the epoch that it resumes from."""
        if not self._enabled:
            return
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[losses]}"),
            console=Console(file=sys.stderr),
        )
        batches = int(trainer.num_training_batches)
        total = batches * int(trainer.max_epochs or 1)
        done = batches * trainer.current_epoch
        description = _epoch_text(trainer)
        self._task = self._bar.add_task(description, total=total, completed=done, losses="")
        self._bar.start()

    def on_train_epoch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        """Name the epoch."""
        self._update(description=_epoch_text(trainer))

    def on_train_batch_end(self, *_: Any) -> None:
        """Advance by one batch."""
        self._update(advance=1)

    def on_train_epoch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Show the losses that the epoch reached."""
        metrics = trainer.callback_metrics
        shown = [
            f"{name.removesuffix('_loss')} {float(metrics[name]):.4g}"
            for name in ("train_loss", "val_loss")
            if name in metrics
        ]
        self._update(losses="  ".join(shown))

    def on_train_end(self, *_: Any) -> None:
        """Leave the finished line on the screen."""
        self._close()

    def on_exception(self, *_: Any) -> None:
        """Give the terminal back before an error is shown."""
        self._close()

    def teardown(self, *_: Any, **__: Any) -> None:
        """Give the terminal back in any case."""
        self._close()

    def _update(self, **changes: Any) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, **changes)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _epoch_text(trainer: pl.Trainer) -> str:
    return f"epoch {min(trainer.current_epoch + 1, int(trainer.max_epochs or 1))}/{trainer.max_epochs}"
