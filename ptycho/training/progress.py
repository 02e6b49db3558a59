"""One progress bar for a whole training."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Bar:
    """Show epochs, losses and the time left in a single line that ends with the training.

    Where standard error is no terminal, the line appears once, at the end.

    Args:
        epochs: Epochs of the whole training.
        batches: Batches of an epoch.
        done: Epochs that were finished before, by the training that is resumed.
    """

    def __init__(self, epochs: int, batches: int, done: int = 0) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._epochs = epochs
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
        self._task = self._bar.add_task(
            self._text(done), total=batches * epochs, completed=batches * done, losses=""
        )
        self._open = True
        self._bar.start()

    def begin_epoch(self, epoch: int) -> None:
        """Name the epoch, counted from 0."""
        self._update(description=self._text(epoch))

    def advance(self) -> None:
        """Count a batch."""
        self._update(advance=1)

    def end_epoch(self, metrics: Mapping[str, Any]) -> None:
        """Show the losses that the epoch reached."""
        shown = [
            f"{name.removesuffix('_loss')} {float(metrics[name]):.4g}"
            for name in ("train_loss", "val_loss")
            if name in metrics
        ]
        self._update(losses="  ".join(shown))

    def close(self) -> None:
        """Leave the finished line on the screen and give the terminal back; a second call does nothing."""
        if self._open:
            self._open = False
            self._bar.stop()

    def _update(self, **changes: Any) -> None:
        if self._open:
            self._bar.update(self._task, **changes)

    def _text(self, epoch: int) -> str:
        return f"epoch {min(epoch + 1, self._epochs)}/{self._epochs}"
