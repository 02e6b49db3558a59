"""How far a training is: one line that lives on a terminal, or lines every so often elsewhere."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LOG_INTERVAL_S = 30.0
"""How long a log may stay silent within an epoch; the end of an epoch may follow after a thirtieth of it."""


class Progress(Protocol):
    """What a training tells on its way; epochs are counted from 0."""

    def begin_epoch(self, epoch: int) -> None:
        """Name the epoch."""
        ...

    def advance(self) -> None:
        """Count a batch."""
        ...

    def end_epoch(self, metrics: Mapping[str, Any]) -> None:
        """Show the losses that the epoch reached."""
        ...

    def close(self) -> None:
        """Be silent from now on; a second call does nothing."""
        ...


def open_progress(epochs: int, batches: int, epochs_before: int = 0) -> Progress:
    """Choose by standard error: a bar where it is a terminal, lines where it is a file or a notebook.

    Args:
        epochs: Epochs of the whole training.
        batches: Batches of an epoch.
        epochs_before: Epochs that were finished before, by the training that is resumed.
    """
    # Rich's bar needs ipywidgets in a notebook, and is one unreadable line in a log.
    return (
        Bar(epochs, batches, epochs_before) if sys.stderr.isatty() else Lines(epochs, batches, epochs_before)
    )


class Bar:
    """Show epochs, losses and the time left in a single line that ends with the training.

    Args:
        epochs: Epochs of the whole training.
        batches: Batches of an epoch.
        epochs_before: Epochs that were finished before, by the training that is resumed.
    """

    def __init__(self, epochs: int, batches: int, epochs_before: int = 0) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._epochs = epochs
        self._bar = RichProgress(
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
            _count(epochs_before, epochs),
            total=batches * epochs,
            completed=batches * epochs_before,
            losses="",
        )
        self._open = True
        self._bar.start()

    def begin_epoch(self, epoch: int) -> None:
        """Name the epoch, counted from 0."""
        self._update(description=_count(epoch, self._epochs))

    def advance(self) -> None:
        """Count a batch."""
        self._update(advance=1)

    def end_epoch(self, metrics: Mapping[str, Any]) -> None:
        """Show the losses that the epoch reached."""
        self._update(losses=_losses(metrics))

    def close(self) -> None:
        """Leave the finished line on the screen and give the terminal back; a second call does nothing."""
        if self._open:
            self._open = False
            self._bar.stop()

    def _update(self, **changes: Any) -> None:
        if self._open:
            self._bar.update(self._task, **changes)


class Lines:
    """Write a line after each epoch, and within long ones, with losses and the time left.

    Args:
        epochs: Epochs of the whole training.
        batches: Batches of an epoch.
        epochs_before: Epochs that were finished before, by the training that is resumed.
        clock: Gives the time in seconds.
    """

    def __init__(
        self, epochs: int, batches: int, epochs_before: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._epochs, self._total = epochs, max(batches * epochs, 1)
        self._first = self._done = batches * epochs_before
        self._epoch = epochs_before
        self._losses = ""
        self._clock = clock
        self._began = clock()
        self._written = self._began
        self._open = True

    def begin_epoch(self, epoch: int) -> None:
        """Name the epoch, counted from 0."""
        self._epoch = epoch

    def advance(self) -> None:
        """Count a batch; a line where none was written for long."""
        self._done += 1
        if self._clock() - self._written >= LOG_INTERVAL_S:
            self._write()

    def end_epoch(self, metrics: Mapping[str, Any]) -> None:
        """Show the losses; of short epochs only those a second apart, the first and the last."""
        self._losses = _losses(metrics)
        apart = self._clock() - self._written >= LOG_INTERVAL_S / 30
        if apart or self._epoch + 1 == self._epochs or self._written == self._began:
            self._write()

    def close(self) -> None:
        """Be silent from now on; a second call does nothing."""
        self._open = False

    def _write(self) -> None:
        if not self._open:
            return
        now = self._clock()
        passed, share = now - self._began, self._done / self._total
        computed = self._done - self._first
        left = (self._total - self._done) * passed / computed if computed else 0.0
        parts = [_count(self._epoch, self._epochs), f"{100 * share:.0f} %", f"{_spell(passed)} passed"]
        parts += [f"{_spell(left)} left", self._losses]
        sys.stderr.write("  ".join(part for part in parts if part) + "\n")
        sys.stderr.flush()
        self._written = now


def _count(epoch: int, epochs: int) -> str:
    return f"epoch {min(epoch + 1, epochs)}/{epochs}"


def _losses(metrics: Mapping[str, Any]) -> str:
    return "  ".join(
        f"{name.removesuffix('_loss')} {float(metrics[name]):.4g}"
        for name in ("train_loss", "val_loss")
        if name in metrics
    )


def _spell(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
