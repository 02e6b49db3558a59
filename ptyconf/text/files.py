"""Settings files as text: read whatever they claim to be, bounded, and named by line and column."""

from __future__ import annotations

import os
import stat

MAX_BYTES = 2_000_000


class TextError(ValueError):
    """A text that is not given to the parser, or that the parser refuses.

    Args:
        text: What is wrong with it.
        line: Line of the place, from 1, where it is known.
        column: Column of the place in characters, from 1.
    """

    def __init__(self, text: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.line = line
        self.column = column

    def __reduce__(self) -> tuple[type[TextError], tuple[str, int | None, int | None]]:
        return type(self), (self.text, self.line, self.column)


def read_file(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> str:
    """Read a settings file as text, whatever it claims to be.

    Raises:
        OSError: It cannot be opened.
        TextError: It is no regular file, too large, not UTF-8, or holds NUL.
    """
    return read_known(path, max_bytes=max_bytes)[0]


def read_known(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> tuple[str, tuple[int, int]]:
    """Read a settings file as ``read_file`` does, and give device and number of the file beside the text."""
    # O_NONBLOCK: opening a FIFO must not wait for a writer.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise TextError("is not a regular file")
        if status.st_size > max_bytes:
            raise TextError(f"has {status.st_size} bytes; at most {max_bytes} are read")
        raw = os.read(handle, status.st_size + 1)
        # A file that gives less than is asked of it has ended; one of /proc claims to be empty and is not.
        while status.st_size < len(raw) <= max_bytes and (more := os.read(handle, max_bytes)):
            raw += more
    finally:
        os.close(handle)
    if len(raw) > max_bytes:
        raise TextError(f"has more than {max_bytes} bytes")
    return decode(raw), (status.st_dev, status.st_ino)


def decode(raw: bytes) -> str:
    """Read bytes as UTF-8.

    Raises:
        TextError: They are not; with the place.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        line, column = place_of(before, len(before))
        raise TextError(f"is not UTF-8: byte 0x{raw[error.start]:02x}", line, column) from None


def place_of(text: str, offset: int) -> tuple[int, int]:
    """Give line and column, from 1 and in characters, of an offset; a byte order mark is no character."""
    start = text.rfind("\n", 0, offset) + 1
    mark = 1 if start == 0 and text.startswith("\ufeff") and offset > 0 else 0
    return text.count("\n", 0, offset) + 1, offset - start + 1 - mark
