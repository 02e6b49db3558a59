"""An orderly end on Ctrl-C and on the signals of batch systems and terminals.

SIGTERM comes before a batch system kills, SIGHUP when a terminal is lost, SIGUSR1 when a time limit is near
and the batch script wants to queue the job again, SIGXCPU when the limit of processor time is. Each ends the
training after the batch at hand; what the last whole epoch left as a checkpoint is what the training is
resumed from.
"""

from __future__ import annotations

import logging
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

logger = logging.getLogger(__name__)

_ENDING = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGXCPU") if hasattr(signal, name)
)


class EndedBySignalError(BaseException):
    """The process was asked to end; not an Exception, so that nothing takes it for a failure.

    Attributes:
        signum: Number of the signal; the exit code is 128 more.
    """

    def __init__(self, signum: int) -> None:
        self.signum = signum
        super().__init__(f"ended by {signal.Signals(signum).name}")


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Raise `EndedBySignalError` in the block on a signal that ends the process, unless it is ignored.

    A signal that is ignored already stays so: that is how ``nohup`` lets a run outlive its terminal. Outside
    of the main thread, which alone receives signals, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {signum: signal.getsignal(signum) for signum in _ENDING}
    answered = [signum for signum, handler in before.items() if handler is not signal.SIG_IGN]
    for signum in answered:
        signal.signal(signum, _end)
    try:
        yield
    finally:
        _give_back({signum: before[signum] for signum in answered})


class InterruptAnswer:
    """Raise KeyboardInterrupt in a block on Ctrl-C, and ignore it afterwards: the process is at its end then.

    Attributes:
        came: Whether Ctrl-C came. Python may make another error of the exception: where an import is under
            way, a class that cannot be made, or a letter whose name cannot be looked up.
    """

    def __init__(self) -> None:
        self.came = False

    def __enter__(self) -> Self:
        """Answer from now on."""
        signal.signal(signal.SIGINT, self._answer)
        return self

    def __exit__(self, *_error: object) -> None:
        """Ignore it from now on."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def _answer(self, _signum: int, _frame: FrameType | None) -> None:
        self.came = True
        raise KeyboardInterrupt


def _end(signum: int, _frame: FrameType | None) -> None:
    _hear_once(signum)
    raise EndedBySignalError(signum)


def _give_back(handlers: Mapping[int, Any]) -> None:
    """Put handlers back, but for those of signals that came and are heard once."""
    for signum, handler in handlers.items():
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, handler)


def _hear_once(signum: int) -> None:
    """Hear of the limit of processor time once; the system tells of it every second (setrlimit(2))."""
    if signum == getattr(signal, "SIGXCPU", None):
        signal.signal(signum, signal.SIG_IGN)


class Interruption:
    """Ask the training to stop after its batch; a second signal aborts at once.

    Ctrl-C is always answered, the signals of `ending_on_signals` only within that block: a program that calls
    a training has its own say about them.

    Attributes:
        signum: The signal that came; None as long as there was none.
    """

    def __init__(self) -> None:
        self.signum: int | None = None
        # Lightning puts handlers of its own in place when it begins: what stands now is what counts.
        ending = [signum for signum in _ENDING if signal.getsignal(signum) is _end]
        self._answered = (signal.SIGINT, *ending)
        self._previous: dict[int, Any] = {}
        self._stop: Callable[[], None] | None = None

    @property
    def requested(self) -> bool:
        """Whether a signal came."""
        return self.signum is not None

    def take_over(self, stop: Callable[[], None]) -> None:
        """Answer signals from now on, where this is the main thread.

        Args:
            stop: Makes the training end after the batch at hand.
        """
        if threading.current_thread() is threading.main_thread():
            self._stop = stop
            self._previous = {signum: signal.signal(signum, self._answer) for signum in self._answered}

    def release(self) -> None:
        """Put the handlers back that were there before the training."""
        _give_back(self._previous)
        self._previous, self._stop = {}, None

    def raise_if_ending(self) -> None:
        """Let a signal that ends the process end it now; Ctrl-C only ended the training.

        Raises:
            EndedBySignalError: Such a signal came.
        """
        if self.signum is not None and self.signum != signal.SIGINT:
            raise EndedBySignalError(self.signum)

    def _answer(self, signum: int, frame: FrameType | None) -> None:
        _hear_once(signum)
        stop, previous = self._stop, self._previous.get(signum)
        if self.requested or stop is None:
            self.release()
            if signum != signal.SIGINT:
                raise EndedBySignalError(signum)
            if callable(previous):
                previous(signum, frame)
                return
            # A shell lets what it starts in the background ignore Ctrl-C; whoever sends it twice means it.
            raise KeyboardInterrupt
        self.signum = signum
        stop()
        if signum == signal.SIGINT:
            logger.warning("interrupted: the training ends after this batch (once more aborts it)")
        else:
            logger.warning("%s: the training ends after this batch", signal.Signals(signum).name)
