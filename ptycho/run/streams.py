"""Output that nobody reads any more is no reason to end a run; an answer that was asked for must arrive."""

from __future__ import annotations

import atexit
import functools
import os
import sys
from contextlib import contextmanager
from io import TextIOBase
from typing import TYPE_CHECKING, TextIO, cast

from ptyconf.terminal import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES = ("stdout", "stderr")


class LastingStream(TextIOBase):
    """A text stream that falls silent where the one beneath breaks: a closed pipe, a lost terminal.

    Args:
        stream: The stream beneath.

    Attributes:
        loss: What is wrong with the stream beneath, in words, where text was lost; None where all was
            written, or a reader had seen enough.
    """

    def __init__(self, stream: TextIO) -> None:
        self.loss: str | None = None
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Name of the encoding beneath."""
        return self._stream.encoding

    def write(self, text: str) -> int:
        """Write, or lose the text; letters that the stream does not know become escapes."""
        try:
            return self._stream.write(text)
        except UnicodeEncodeError:
            known = text.encode(self.encoding, "backslashreplace").decode(self.encoding)
            return self.write(known)
        except (OSError, ValueError) as error:
            self._fall_silent(error)
        return len(text)

    def flush(self) -> None:
        """Flush, or lose what was not written yet."""
        try:
            self._stream.flush()
        except (OSError, ValueError) as error:
            self._fall_silent(error)

    def isatty(self) -> bool:
        """Tell whether a terminal reads it; a stream that was closed has none."""
        try:
            return self._stream.isatty()
        except (OSError, ValueError):
            return False

    def fileno(self) -> int:
        """Give the descriptor beneath."""
        return self._stream.fileno()

    def _fall_silent(self, error: OSError | ValueError) -> None:
        """Let the descriptor lead nowhere, so that what is still buffered can be flushed when Python ends."""
        if not isinstance(error, BrokenPipeError):
            self.loss = f"cannot be written: {getattr(error, 'strerror', None) or error}"
        try:
            descriptor = self._stream.fileno()
        except (OSError, ValueError):
            self._stream = _nowhere()
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


def tell(text: str, *, end: str = "\n") -> None:
    """Write what a command was asked for to the standard output, where all of it must arrive.

    Args:
        text: The answer, or a part of it.
        end: What comes after it.

    Raises:
        OutputError: The output is closed or full. A reader that has seen enough is no error.
    """
    sys.stdout.write(text + end)
    sys.stdout.flush()
    loss = getattr(sys.stdout, "loss", None)
    if loss is not None:
        raise OutputError(f"the output {loss}")


@functools.cache
def _nowhere() -> TextIO:
    # One for all: a log may be flushed after its stream was closed, and nobody would close what it then gets.
    stream = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  It is closed when the process ends.
    atexit.register(stream.close)
    return stream


@contextmanager
def lasting_streams() -> Iterator[None]:
    """Put output that cannot fail in place of the process's own for the block."""
    _fill_descriptors()
    before = {name: getattr(sys, name) for name in _NAMES}
    for name, stream in before.items():
        lasting = LastingStream(_nowhere() if stream is None else stream)
        if stream is None:
            lasting.loss = "is closed"
        setattr(sys, name, cast("TextIO", lasting))
    try:
        yield
    finally:
        for name, stream in before.items():
            getattr(sys, name).flush()
            setattr(sys, name, stream)


def _fill_descriptors() -> None:
    """Let closed standard descriptors lead nowhere: the next file that is opened would get their numbers.

    Libraries write to descriptor 2 whatever stands there: a checkpoint must not.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != descriptor:
                os.dup2(nowhere, descriptor)
                os.close(nowhere)
