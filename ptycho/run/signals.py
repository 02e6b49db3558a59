"""An orderly end on Ctrl-C."""

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

logger = logging.getLogger(__name__)


class Interruption:
    """Ask the training to stop after its batch on Ctrl-C; a second Ctrl-C aborts at once.

    Attributes:
        requested: Whether Ctrl-C came.
    """

    def __init__(self) -> None:
        self.requested = False
        self._previous: Any = None
        self._stop: Callable[[], None] | None = None

    def take_over(self, stop: Callable[[], None]) -> None:
        """Answer SIGINT from now on, where this is the main thread.

        Args:
            stop: Makes the training end after the batch at hand.
        """
        if threading.current_thread() is threading.main_thread():
            self._stop = stop
            self._previous = signal.signal(signal.SIGINT, self._answer)

    def release(self) -> None:
        """Put the handler back that was there before the training."""
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous, self._stop = None, None

    def _answer(self, signum: int, frame: FrameType | None) -> None:
        stop, previous = self._stop, self._previous
        if self.requested or stop is None:
            self.release()
            if callable(previous):
                previous(signum, frame)
            return
        self.requested = True
        stop()
        logger.warning("interrupted: the training ends after this batch (once more aborts it)")
