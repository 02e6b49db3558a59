"""What a command says when it fails, and the table of exit codes.

0 a whole run; 1 a check that failed, or a difference; 2 bad use or bad input; 3 a picture that does not
explain its frames, where that was asked for; 70 a defect of ours; 128 + n ended by signal n.
"""

from __future__ import annotations

import errno
import os

from ptycho.errors import BackendError
from ptycho.files.atomic import MAKING_ROOM, DiskFullError, is_full
from ptyconf.errors import error_text

EXIT_WHOLE, EXIT_CHECK_FAILED, EXIT_BAD_INPUT, EXIT_NOT_EXPLAINED, EXIT_DEFECT = 0, 1, 2, 3, 70
EXIT_SIGNAL = 128
EXIT_INTERRUPTED = EXIT_SIGNAL + 2

_FORESEEN = (ValueError, OSError, ImportError, BackendError)
_MEMORY_ERRORS = {"OutOfMemoryError", "ResourceExhaustedError"}
"""Classes of torch and TensorFlow, known by name: this module imports neither."""

_LONGEST_LINE = 4_000
"""A value that somebody gave may be as long as a file."""

_LESS_MEMORY = (
    "a smaller batch_size or inference_batch_size, fewer frames (n_subsample) or smaller ones (data.bin)"
)

_MORE_MEMORY = "a larger limit of memory (ulimit -v), or a job that asks for more"

_NO_ROOM_TO_LOAD = "failed to map segment from shared object"
"""How the system's loader says that a library finds no memory, below a limit (ulimit -v)."""

_MEMORY_WORDS = ("can't allocate memory", "bad_alloc", "out of memory", "array is too big", _NO_ROOM_TO_LOAD)
"""How torch, C++ and numpy say it in errors of other classes."""


def describe(error: Exception) -> tuple[str, int]:
    """Turn an error into what is said about it and the exit code; lines without end are cut."""
    text, code = _described(error)
    return "\n".join(map(_cut, text.split("\n"))), code


def _cut(line: str) -> str:
    more = len(line) - _LONGEST_LINE
    return line if more <= 0 else f"{line[:_LONGEST_LINE]}... and {more} letters more"


def _described(error: Exception) -> tuple[str, int]:
    """Turn an error into what is said about it and the exit code.

    What nobody foresaw is a defect of ours: its traceback goes into a file, which holds no values of
    variables, no arguments and nothing of the environment.
    """
    if _is_of_memory(error):
        hint = _MORE_MEMORY if _NO_ROOM_TO_LOAD in str(error) else _LESS_MEMORY
        text = error_text("there is not enough memory", details=_reason(error), hint=hint)
        return text, EXIT_BAD_INPUT
    if isinstance(error, _FORESEEN):
        return _text_of(error), EXIT_BAD_INPUT
    if isinstance(error, RecursionError):
        return error_text("the input is nested too deeply", details=_reason(error)), EXIT_BAD_INPUT
    if isinstance(error, OverflowError):
        return error_text("a number in the input is too large", details=_reason(error)), EXIT_BAD_INPUT
    text = error_text(
        f"ptycho failed where it should not: {type(error).__name__}",
        details={**_reason(error), "traceback": _write_traceback(error)},
        hint="reporting this with that file, and --debug to see the traceback here",
    )
    return text, EXIT_DEFECT


def _is_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ in _MEMORY_ERRORS:
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    said_by_a_library = isinstance(error, (RuntimeError, ValueError, ImportError))
    return said_by_a_library and any(words in str(error) for words in _MEMORY_WORDS)


def _text_of(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    if is_full(error) and not isinstance(error, DiskFullError):
        reason = error.strerror or str(error)
        return error_text(f"a file could not be written: {reason}", expected="room for it", hint=MAKING_ROOM)
    return str(error) or type(error).__name__


def _reason(error: Exception) -> dict[str, str]:
    first = str(error).partition("\n")[0]
    return {"reason": first} if first else {}


def _write_traceback(error: Exception) -> str:
    import platform  # a defect alone needs these, and every command would pay for them
    import tempfile
    import traceback
    from importlib import metadata

    release = metadata.version("ptychopinn")
    head = f"ptychopinn {release}, Python {platform.python_version()}, {platform.platform()}\n"
    try:
        handle, path = tempfile.mkstemp(prefix="ptycho-crash-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(head + "".join(traceback.format_exception(error)))
    except OSError as problem:
        return f"could not be written: {problem}"
    return path
