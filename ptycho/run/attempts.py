"""The attempts at a run: its folder and every ``NAME.partial*`` left beside it; which one goes on."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptycho.run.agreement import differences
from ptycho.run.identity import is_going_on, maker_of
from ptycho.run.record import BUNDLE, LAST_CHECKPOINT, checkpoints_in, read_settings, settings_in
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ptyconf import Resolution

_log = logging.getLogger(__name__)

_PARTIAL = re.compile(r"(?P<name>.+)\.partial(-\d+)?")
_SCANS = ("training.train_data_file", "data.more_scans")


@dataclass(frozen=True)
class Attempt:
    """A folder with a checkpoint, or several.

    Attributes:
        folder: The folder.
        checkpoints: Its checkpoints: that of the last epoch, then those of the best, the latest first.
        written: When the newest was written, in nanoseconds of the file system's clock.
        settings: Settings of the training by path; empty where the folder does not say.
    """

    folder: Path
    checkpoints: tuple[Path, ...]
    written: int
    settings: dict[str, Any] = field(repr=False)

    @property
    def checkpoint(self) -> Path:
        """That of the last epoch, or of the latest that is among the best where a kill left no other."""
        return self.checkpoints[0]

    @property
    def when(self) -> str:
        """When the newest checkpoint was written, for people."""
        return f"{datetime.fromtimestamp(self.written / 1e9, UTC):%Y-%m-%d %H:%M:%S} UTC"


def is_unfinished(folder: Path) -> bool:
    """Tell by its name whether a folder is an attempt that did not finish."""
    return _PARTIAL.fullmatch(folder.name) is not None


def run_of(folder: Path) -> Path:
    """Name the run that an attempt was for; a run is its own."""
    match = _PARTIAL.fullmatch(folder.name)
    return folder if match is None else folder.with_name(match["name"])


def folders_of(run: Path) -> list[Path]:
    """List the folders of a run, unfinished ones included, whether or not they hold anything."""
    run = run.resolve()
    partial = (folder for folder in run.parent.glob("*.partial*") if run_of(folder) == run)
    return [folder for folder in (run, *sorted(partial)) if folder.is_dir()]


def attempts_at(run: Path) -> list[Attempt]:
    """List the attempts at a run that left a checkpoint, the newest first, without those still going on."""
    attempts = [
        Attempt(
            folder,
            tuple(checkpoints),
            max(path.stat().st_mtime_ns for path in checkpoints),
            read_settings(folder),
        )
        for folder in folders_of(run)
        if (checkpoints := checkpoints_in(folder)) and not is_going_on(folder)
    ]
    return sorted(attempts, key=lambda attempt: attempt.written, reverse=True)


def bundle_of_attempt(run: Path) -> Path | None:
    """Find the folder of an attempt that left a trained network and no checkpoint of its last epoch, or None.

    Args:
        run: The run folder, or the folder of that attempt.
    """
    folders = [run.resolve()] if is_unfinished(run) else folders_of(run)
    left = [
        folder
        for folder in folders
        if is_unfinished(folder)
        and (folder / BUNDLE).is_file()
        and not (folder / LAST_CHECKPOINT).is_file()
        and not is_going_on(folder)
    ]
    return max(left, key=lambda folder: (folder / BUNDLE).stat().st_mtime_ns, default=None)


def require_nobody_at_work(run: Path) -> None:
    """Refuse to go on from a run that another process is still making.

    Raises:
        FileExistsError: One is; it is named.
    """
    for folder in folders_of(run):
        if is_going_on(folder):
            raise FileExistsError(
                error_text(
                    f"{folder} is still going on: {maker_of(folder)}",
                    expected="a run that nobody is making",
                    hint="waiting for its end, or another output_dir",
                )
            )


def agreeing_attempts(run: Path) -> list[Attempt]:
    """Find the attempts that a training may go on from, the newest first, and say which it is.

    Args:
        run: The run folder, which need not exist; the name of an attempt means that one alone.

    Raises:
        ValueError: An older attempt was made with other settings: which one is meant cannot be known.
    """
    attempts = attempts_at(run_of(run))
    if is_unfinished(run):
        attempts = [attempt for attempt in attempts if attempt.folder == run.resolve()]
    if not attempts:
        return []
    newest, *older = attempts
    before = _before(newest, attempts)
    for attempt in older:
        _require_agreement(newest, attempt, before)
    if older:
        others = ", ".join(f"{attempt.folder.name} ({attempt.when})" for attempt in older)
        _log.info("%s (%s) is the newest of the attempts; older: %s", newest.folder, newest.when, others)
    return attempts


def newest_attempt(run: Path) -> Attempt | None:
    """Find the attempt that a training goes on from; None where no attempt left a checkpoint.

    Raises:
        ValueError: An older attempt was made with other settings.
    """
    return next(iter(agreeing_attempts(run)), None)


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
    before = _before(meant[0], attempts)
    return [
        attempt
        for attempt in attempts
        if attempt.written <= meant[0].written and not _disagreement(meant[0], attempt, before)
    ]


def outlived(checkpoint: Path, newest: Path) -> list[Attempt]:
    """List the older attempts of which nothing is needed once the newest holds a copy of a checkpoint.

    Args:
        checkpoint: What the newest goes on from; the attempt that wrote it is not among them.
        newest: The folder of the newest attempt.
    """
    needed = (checkpoint.parent.resolve(), newest.resolve())
    return [attempt for attempt in taken_up(needed[0], run_of(needed[1])) if attempt.folder not in needed]


def _before(attempt: Attempt, attempts: Iterable[Attempt]) -> set[Path]:
    """Name the folders of the attempts that one went on from, as its settings and theirs say."""
    by_place = {place: other for other in attempts for place in (other.folder, *other.checkpoints)}
    folders: set[Path] = set()
    following: Attempt | None = attempt
    while following is not None:
        resumed = following.settings.get("training.resume")
        # Paths in settings.toml are relative to the folder that the run has in the end.
        place = (run_of(following.folder) / resumed).resolve() if isinstance(resumed, str) else None
        following = None if place is None else by_place.get(place)
        if following is None or following.folder in folders:
            break
        folders.add(following.folder)
    return folders


def _disagreement(newer: Attempt, older: Attempt, before: set[Path]) -> list[tuple[str, Any, Any]]:
    """Name the settings in which two attempts differ.

    Where the newer one went on from the older, its scan was compared with what that had learned from: it may
    have another name by then.

    Args:
        newer: An attempt.
        older: Another.
        before: Folders of those that the newer went on from.
    """
    differing = differences(newer.settings, older.settings)
    return [entry for entry in differing if older.folder not in before or entry[0] not in _SCANS]


def require_same_training(attempts: Iterable[Attempt], resolution: Resolution, run: Path) -> None:
    """Accept settings under which the attempts at a run would have come to the same weights.

    The scan may lie under another name by now: the checkpoint knows it by its frames.

    Args:
        attempts: Those that the run goes on from.
        resolution: The settings now.
        run: The run folder.

    Raises:
        ValueError: They differ, by name: the end would be of neither training.
    """
    now = settings_in(resolution, run)
    for attempt in attempts:
        differing = [entry for entry in differences(now, attempt.settings) if entry[0] not in _SCANS]
        if differing:
            raise ValueError(
                error_text(
                    f"the run cannot go on from {attempt.folder} with other settings: {_listed(differing)}",
                    expected="the settings that the attempt was made with",
                    hint=f"ptycho finish {attempt.folder}, to go on with those; "
                    f"--training.resume {attempt.checkpoint}, to go on with these",
                )
            )


def _require_agreement(newest: Attempt, older: Attempt, before: set[Path]) -> None:
    differing = _disagreement(newest, older, before)
    if differing:
        raise ValueError(
            error_text(
                f"two attempts disagree about the training to go on with: {_listed(differing)}",
                details={
                    "newer": f"{newest.folder}, {newest.when}",
                    "older": f"{older.folder}, {older.when}",
                },
                expected="attempts with the same settings",
                hint=f"--training.resume {newest.checkpoint}, or moving one of the two folders away",
            )
        )


def _listed(differing: list[tuple[str, Any, Any]]) -> str:
    shown = [f"{path} = {value!r} (there {other!r})" for path, value, other in differing[:5]]
    more = len(differing) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
