"""What goes to a terminal: how wide it is, what colours an error, and texts that reach any kind of output."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import Any, TextIO

_ERROR, _PLAIN = "\x1b[1;31m", "\x1b[0m"


class OutputError(OSError):
    """The output is closed or full; the message says which."""


def emphasised(text: str, stream: object) -> str:
    """Colour the first line of each problem, on a terminal and unless NO_COLOR says otherwise."""
    if os.environ.get("NO_COLOR") or not getattr(stream, "isatty", lambda: False)():
        return text
    blocks = [block.partition("\n") for block in text.split("\n\n")]
    return "\n\n".join(f"{_ERROR}{first}{_PLAIN}{end}{rest}" for first, end, rest in blocks)


def columns() -> int | None:
    """Tell how wide the output is; None where it is no terminal and COLUMNS says nothing."""
    terminal = sys.stdout is not None and sys.stdout.isatty()
    return shutil.get_terminal_size().columns if terminal or "COLUMNS" in os.environ else None


def write(text: str) -> None:
    """Write an answer whole, whatever the output can spell.

    Raises:
        OutputError: It is closed or full; a reader that has seen enough is no error.
    """
    stream: TextIO | None = sys.stdout
    if stream is None:
        raise OutputError("the output is closed")
    try:
        stream.write(f"{encodable(text, getattr(stream, 'encoding', None) or 'utf-8')}\n")
        stream.flush()
    except BrokenPipeError:
        give_up_output()
    except OSError as error:
        give_up_output()
        raise OutputError(f"the output cannot be written: {error.strerror or error}") from None
    except ValueError as error:  # closed by the program itself
        raise OutputError("the output is closed") from error


def give_up_output() -> None:
    """Send what is still waiting nowhere: the interpreter would complain once more when it flushes."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def encodable(text: str, encoding: str) -> str:
    r"""Spell what an encoding has no sign for as ``\u00e9``, which TOML and JSON read as the sign."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(sign if _fits(sign, encoding) else _escaped(sign) for sign in text)
    return text


def as_json(data: Any, encoding: str) -> str:
    """Write data as JSON in the signs of an encoding."""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    return text if _fits(text, encoding) else json.dumps(data, indent=2)


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _escaped(sign: str) -> str:
    code = ord(sign)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
