"""The attempts at a run: its folder and every ``NAME.partial*`` left beside it; which one goes on."""

from __future__ import annotations

import logging
import re
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ptycho.run.identity import is_going_on
from ptycho.run.record import LAST_CHECKPOINT, read_settings
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_log = logging.getLogger(__name__)

_PARTIAL = re.compile(r"(?P<name>.+)\.partial(-\d+)?")
_FREE_SECTIONS = ("execution.", "inference.")
_FREE = frozenset({"training.output_dir", "training.resume", "training.nepochs", "training.test_data_file"})
"""Settings that may differ between attempts: they do not change what the weights of an epoch are."""


@dataclass(frozen=True)
class Attempt:
    """A folder with a checkpoint.

    Attributes:
        folder: The folder.
        checkpoint: Its last checkpoint.
        written: When that was written, in nanoseconds of the file system's clock.
        settings: Settings of the training by path; empty where the folder does not say.
    """

    folder: Path
    checkpoint: Path
    written: int
    settings: dict[str, Any] = field(repr=False)

    @property
    def when(self) -> str:
        """When the checkpoint was written, for people."""
        return f"{datetime.fromtimestamp(self.written / 1e9, UTC):%Y-%m-%d %H:%M:%S} UTC"


def is_unfinished(folder: Path) -> bool:
    """Tell by its name whether a folder is an attempt that did not finish."""
    return _PARTIAL.fullmatch(folder.name) is not None


def run_of(folder: Path) -> Path:
    """Name the run that an attempt was for; a run is its own."""
    match = _PARTIAL.fullmatch(folder.name)
    return folder if match is None else folder.with_name(match["name"])


def attempts_at(run: Path) -> list[Attempt]:
    """List the attempts at a run that left a checkpoint, the newest first, without those still going on."""
    run = run.resolve()
    folders = [run, *(folder for folder in run.parent.glob("*.partial*") if run_of(folder) == run)]
    attempts = [
        Attempt(folder, checkpoint, checkpoint.stat().st_mtime_ns, read_settings(folder))
        for folder in folders
        if (checkpoint := folder / LAST_CHECKPOINT).is_file() and not is_going_on(folder)
    ]
    return sorted(attempts, key=lambda attempt: attempt.written, reverse=True)


def newest_attempt(run: Path) -> Attempt | None:
    """Find the attempt that a training goes on from, and say which it is where there are several.

    Args:
        run: The run folder, which need not exist; the name of an attempt means that one alone.

    Returns:
        The newest, or None where no attempt left a checkpoint.

    Raises:
        ValueError: An older attempt was made with other settings: which one is meant cannot be known.
    """
    attempts = attempts_at(run_of(run))
    if is_unfinished(run):
        attempts = [attempt for attempt in attempts if attempt.folder == run.resolve()]
    if not attempts:
        return None
    newest, *older = attempts
    for attempt in older:
        _require_agreement(newest, attempt)
    if older:
        others = ", ".join(f"{attempt.folder.name} ({attempt.when})" for attempt in older)
        _log.info("%s (%s) is the newest of the attempts; older: %s", newest.folder, newest.when, others)
    return newest


def taken_up(resumed: Path | None, run: Path) -> list[Attempt]:
    """List the attempts at a run that are part of it when it ends, having gone on from one of them.

    Args:
        resumed: The checkpoint or folder that it goes on from; None for a fresh start.
        run: The run folder.

    Returns:
        That attempt and those before it with the same settings; nothing where it goes on from another run.
    """
    if resumed is None:
        return []
    place, attempts = resumed.resolve(), attempts_at(run)
    meant = [attempt for attempt in attempts if place in (run, attempt.folder, attempt.checkpoint)]
    if not meant:
        return []
    return [
        attempt
        for attempt in attempts
        if attempt.written <= meant[0].written and not _differing(meant[0], attempt)
    ]


def _differing(newer: Attempt, older: Attempt) -> list[str]:
    """Name the settings in which two attempts differ, of those that change what the weights are."""
    return [
        path
        for path in sorted(newer.settings.keys() & older.settings.keys())
        if path not in _FREE
        and not path.startswith(_FREE_SECTIONS)
        and newer.settings[path] != older.settings[path]
    ]


def _require_agreement(newest: Attempt, older: Attempt) -> None:
    differing = _differing(newest, older)
    if differing:
        listed = ", ".join(
            f"{path} = {newest.settings[path]!r} (there {older.settings[path]!r})" for path in differing[:5]
        )
        raise ValueError(
            error_text(
                f"two attempts disagree about the training to go on with: {listed}",
                details={
                    "newer": f"{newest.folder}, {newest.when}",
                    "older": f"{older.folder}, {older.when}",
                },
                expected="attempts with the same settings",
                hint=f"--training.resume {newest.checkpoint}, or moving one of the two folders away",
            )
        )


def remove_obsolete(attempts: Iterable[Attempt]) -> None:
    """Remove the folders of unfinished attempts that a finished run has taken up."""
    for attempt in attempts:
        folder = attempt.folder
        if is_unfinished(folder) and folder.is_dir() and not is_going_on(folder):
            shutil.rmtree(folder)
            _log.info("%s is part of the finished run now and was removed", folder)
