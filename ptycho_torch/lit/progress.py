"""The progress bar under Lightning."""

from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import ProgressBar

from ptycho.training.progress import Bar


class TrainingBar(ProgressBar):
    """Show a whole training in one line; validation does not get a bar of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._bar: Bar | None = None
        self._enabled = True

    def enable(self) -> None:
        """Draw the bar (on the first process of a distributed training)."""
        self._enabled = True

    def disable(self) -> None:
        """Draw nothing (on the other processes of a distributed training)."""
        self._enabled = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Open the bar where the training stands: at zero, or at the epoch that it resumes from."""
        if self._enabled:
            epochs = int(trainer.max_epochs or 1)
            self._bar = Bar(epochs, int(trainer.num_training_batches), trainer.current_epoch)

    def on_train_epoch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        """Name the epoch."""
        if self._bar is not None:
            self._bar.begin_epoch(trainer.current_epoch)

    def on_train_batch_end(self, *_: Any) -> None:
        """Advance by one batch."""
        if self._bar is not None:
            self._bar.advance()

    def on_train_epoch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Show the losses that the epoch reached."""
        if self._bar is not None:
            self._bar.end_epoch(trainer.callback_metrics)

    def on_train_end(self, *_: Any) -> None:
        """Leave the finished line on the screen."""
        self._close()

    def on_exception(self, *_: Any) -> None:
        """Give the terminal back before an error is shown."""
        self._close()

    def teardown(self, *_: Any, **__: Any) -> None:
        """Give the terminal back in any case."""
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
