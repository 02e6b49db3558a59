"""Attempts at a run of which nothing is needed any more are removed."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ptycho.run.attempts import folders_of, is_unfinished
from ptycho.run.identity import is_going_on, is_run, remove_run
from ptycho.run.record import BUNDLE, checkpoints_in

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ptycho.run.attempts import Attempt

_log = logging.getLogger(__name__)

_MAKING_S = 60.0
"""Nobody takes longer from making a folder to writing into it."""


def remove_obsolete(attempts: Iterable[Attempt], whole: str = "the finished run") -> None:
    """Remove the folders of unfinished attempts that another has taken up.

    Args:
        attempts: They.
        whole: What holds all that they held.
    """
    for attempt in attempts:
        folder = attempt.folder
        if is_unfinished(folder) and folder.is_dir() and not is_going_on(folder):
            remove_run(folder)
            _log.info("%s is part of %s now and was removed", folder, whole)


def remove_fruitless(run: Path) -> None:
    """Remove the unfinished attempts at a run that left nothing to go on from: killed before a checkpoint."""
    for folder in folders_of(run):
        if is_unfinished(folder) and time.time() - folder.stat().st_mtime > _MAKING_S:
            # Killed before it was written into; of an empty folder nothing but its name can be known.
            with suppress(OSError):
                folder.rmdir()
                continue
        fruitless = not checkpoints_in(folder) and not (folder / BUNDLE).is_file()
        if is_unfinished(folder) and fruitless and is_run(folder) and not is_going_on(folder):
            remove_run(folder)
            _log.info("%s held nothing to go on from and was removed", folder)
