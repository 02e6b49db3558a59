"""The program ``ptycho``, also as ``python -m ptycho``: Ctrl-C ends it in good order from its first moment.

Imports are what takes time at the start: before Ctrl-C is answered, only small parts of Python are imported.
"""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False
"""As `typing.TYPE_CHECKING`, without the import of that."""

if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn


def run() -> NoReturn:
    """Be the command line; Ctrl-C is answered while that is being imported, too."""
    # A shell lets what it starts in the background ignore Ctrl-C: that stays so.
    heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heard:
        signal.signal(signal.SIGINT, _end)
    from ptycho.commands.main import run_main

    run_main(answer_interrupt=heard)


def _end(signum: int, _frame: FrameType | None) -> None:
    """End at once: nothing is begun that could be left half done."""
    sys.stderr.write("interrupted\n")
    sys.stderr.flush()
    os._exit(128 + signum)


if __name__ == "__main__":
    run()
