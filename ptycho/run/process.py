"""The process of a command: little is collected while it starts, and nothing is taken apart when it ends."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

NEW_OBJECTS = 10_000
"""New objects after which Python looks for circles of garbage. Modules that are imported leave none, and each
look goes through them: with 700, Python's own number, looking took .3 of 7 processor seconds of a
reconstruction of 900 frames."""


def run_process(command: Callable[[], int]) -> NoReturn:
    """Run a command as all that this process does, and end with the exit code that it gives.

    The system takes a process's memory back at once. Python would free what torch holds piece by piece first,
    which took .5 of 7 processor seconds. What Python does before that is done: threads end, and everything
    that was registered for the end, also before this, as tools do that measure coverage.
    """
    # numpy's library takes as many threads as there are cores for every product, and they spin for a while
    # beside those of a framework.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(NEW_OBJECTS)
    code = command()
    # What the process ends with is said: whoever is impatient now changes nothing of it.
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.SIG_IGN)
    # In this order Python itself does it (Py_FinalizeEx); pools of threads are told to stop by the first.
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001
    atexit._run_exitfuncs()  # noqa: SLF001
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code)
