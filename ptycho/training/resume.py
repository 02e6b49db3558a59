"""Continue an earlier training: find its checkpoint, see that it fits. Each backend reads its own files."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ptycho.files.atomic import copy_file
from ptycho.run.attempts import agreeing_attempts, is_unfinished, outlived
from ptycho.run.leftovers import remove_obsolete
from ptycho.run.record import BEST_CHECKPOINTS, LAST_CHECKPOINT, best_checkpoints, checkpoints_in
from ptyconf.errors import error_text

logger = logging.getLogger(__name__)

UNWRITTEN = {"turn_frames": False}
"""What held in trainings whose checkpoints do not say it."""

OTHER_SCANS = "learned from other frames or positions than those in"
FRESH_START = "training.resume unset for a fresh start"


@dataclass(frozen=True)
class EarlierTraining:
    """What a checkpoint says about the training that wrote it.

    Attributes:
        path: The checkpoint.
        network: Settings of the network, JSON types.
        history: One row for each finished epoch.
        scans: Fingerprints of the scans that it learned from; empty where the checkpoint is older than those.
        content: The whole checkpoint, where the backend reads it at once.
    """

    path: Path
    network: dict[str, Any]
    history: list[dict[str, float]]
    scans: tuple[str, ...] = ()
    content: Any = field(default=None, repr=False, compare=False)

    @property
    def epochs(self) -> int:
        """Epochs that were finished."""
        return len({int(row["epoch"]) for row in self.history})

    def notes(self, epochs: int) -> list[str]:
        """Say where the training goes on, and where it has seen more epochs than are asked for.

        Args:
            epochs: Epochs of the whole training that are asked for.
        """
        more = f"training.nepochs = {epochs} takes none of the {self.epochs} epochs back that are done"
        return [
            f"the training resumes from {self.path} after {self.epochs} epochs",
            *([more] if self.epochs > epochs else []),
        ]

    def require_same_network(self, settings: dict[str, Any]) -> None:
        """Accept settings that give the network of the checkpoint.

        Raises:
            ValueError: They give another one.
        """
        there = UNWRITTEN | self.network
        differing = [name for name in settings if settings[name] != there.get(name)]
        if differing:
            listed = ", ".join(
                f"{name} = {settings[name]!r} (there {there.get(name)!r})" for name in differing
            )
            raise ValueError(
                error_text(
                    f"the training cannot resume from {self.path}: {listed}",
                    expected="the settings that made the checkpoint",
                    hint=f"the settings.toml of its run folder, --recipe contract, or {FRESH_START}",
                )
            )

    def require_same_scans(self, scans: tuple[str, ...], names: str) -> None:
        """Accept the scans that the checkpoint learned from.

        Args:
            scans: Fingerprints of those that are to go on being learned from.
            names: What they are called.

        Raises:
            ValueError: They are others, under whatever name.
        """
        if self.scans not in ((), scans):
            raise ValueError(
                error_text(
                    f"the training cannot resume from {self.path}: it {OTHER_SCANS} {names}",
                    expected="frames and positions that the checkpoint learned from, in a file of any name",
                    hint=f"--training.resume {self.path}, to go on with these, or {FRESH_START}",
                )
            )

    def note_of_other_scans(self, scans: tuple[str, ...], names: str) -> list[str]:
        """Say that a training goes on with other scans than before, where it does."""
        return [] if self.scans in ((), scans) else [f"{self.path} {OTHER_SCANS} {names}"]

    def note_of_unknown_scans(self, names: str) -> list[str]:
        """Say that nobody can tell what was learned from, where the checkpoint does not say it."""
        if self.scans:
            return []
        older = f"{self.path} is older than what tells which frames a checkpoint learned from"
        return [f"{older}: whether they are those in {names} cannot be checked"]

    def require_epochs_left(self, epochs: int) -> None:
        """Accept a number of epochs that leaves something to do: epochs, or the results of an unfinished run.

        Raises:
            ValueError: The checkpoint of a finished run has seen as many already.
        """
        if self.epochs >= epochs and not is_unfinished(self.path.parent):
            raise ValueError(
                error_text(
                    f"nothing is left to train: {self.path} has seen {self.epochs} epochs, and "
                    f"training.nepochs is {epochs}",
                    expected="training.nepochs: the epochs of the whole training, those before included",
                    hint=f"training.nepochs = {self.epochs + epochs}",
                )
            )


def finished_epochs(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, float]]:
    """Accept the rows of finished epochs, which count from 0 without a gap and hold numbers alone.

    Raises:
        ValueError: They do not; what is resumed from them would skip epochs, or never end.
        TypeError: A row holds something else.
    """
    rows = list(rows)
    odd = [name for row in rows for name, value in row.items() if not isinstance(value, (int, float))]
    if odd:
        raise TypeError(f"its history has no number for {str(odd[0])[:100]!r}")
    history = [{**row, "epoch": float(row["epoch"])} for row in rows]
    epochs = {row["epoch"] for row in history}
    if epochs != {float(epoch) for epoch in range(len(epochs))}:
        raise ValueError("its history does not count epochs from 0")
    return history


def read_newest(path: Path, read: Callable[[Path], EarlierTraining]) -> EarlierTraining:
    """Read the checkpoint that a file name means, or the newest whole one of the attempts at a run.

    That is the checkpoint of the last epoch, unless a kill came between it and that of a later epoch that is
    among the best, or it is damaged.

    Args:
        path: A checkpoint, a run folder, or the folder of an attempt.
        read: Reads a checkpoint of the backend.

    Raises:
        FileNotFoundError: There is none.
        ValueError: Attempts at the run disagree about what is trained, or no checkpoint can be used.
    """
    path = Path(path)
    if path.is_file():
        return read(path)
    attempts = agreeing_attempts(path)
    if attempts:
        checkpoints = [path for attempt in attempts for path in attempt.checkpoints]
        return _read_whole(checkpoints, read)
    missing = f"{path} holds no {LAST_CHECKPOINT}" if path.is_dir() else f"{path} does not exist"
    raise FileNotFoundError(
        error_text(
            f"there is nothing to resume from: {missing}",
            expected=f"a run folder with {LAST_CHECKPOINT}, or a checkpoint",
            hint=FRESH_START,
        )
    )


def _read_whole(checkpoints: list[Path], read: Callable[[Path], EarlierTraining]) -> EarlierTraining:
    """Read the first of several checkpoints, or a later one of its best epochs.

    Where the first is damaged, all are read, and the one that has seen most epochs is taken.

    Raises:
        ValueError: None can be used; says what is wrong with the last, after the others.
    """
    whole: list[EarlierTraining] = []
    problems: list[ValueError] = []
    for path in checkpoints:
        try:
            whole.append(read(path))
        except ValueError as error:
            problems.append(error)
        if not problems:
            return _later_than_last(whole[0], read)
    reasons = [str(problem).partition("\n")[0] for problem in problems]
    if not whole:
        for reason in reasons[:-1]:
            logger.warning("%s", reason)
        raise problems[-1]
    newest = max(whole, key=lambda earlier: earlier.epochs)
    logger.warning("%s: the newest whole checkpoint, %s, is taken", "; ".join(reasons), newest.path)
    return newest


def _later_than_last(last: EarlierTraining, read: Callable[[Path], EarlierTraining]) -> EarlierTraining:
    """Take a checkpoint of the best epochs that is further on the same way than the one of the last epoch.

    An epoch among the best is written before it becomes the last one: a kill may come in between. A file that
    lies there from another training has another history.
    """
    for path, epoch in best_checkpoints(last.path.parent).items():
        if epoch < last.epochs:
            break
        try:
            later = read(path)
        except ValueError as error:
            logger.warning("%s", str(error).partition("\n")[0])
            continue
        # As text, in which a NaN is like another.
        if repr(later.history[: last.epochs]) == repr(last.history):
            return later
    return last


def not_a_checkpoint(path: Path, reason: str | BaseException) -> ValueError:
    """Make the error of a file that is no checkpoint of this backend.

    Args:
        path: The file.
        reason: Why, in words or as the error that reading it met, of which the first line is told.
    """
    if isinstance(reason, KeyError):
        reason = f"it lacks {reason}"
    elif isinstance(reason, BaseException):
        reason = str(reason).strip().split("\n", maxsplit=1)[0] or type(reason).__name__
    beside = [str(other) for other in checkpoints_in(path.parent) if other != path]
    return ValueError(
        error_text(
            f"{path} is not a checkpoint of a training: {reason}",
            expected=f"a {LAST_CHECKPOINT} or {BEST_CHECKPOINTS} that `ptycho train` wrote with this backend",
            hint="another training.resume" + (f": {' or '.join(beside)}" if beside else ""),
        )
    )


_ZIP = b"PK\x03\x04"
_NAMES = {"pytorch": "torch", "tensorflow": "TensorFlow"}


def writer_of(path: Path) -> str | None:
    """Tell by its first bytes which backend wrote a checkpoint; None where it is neither's.

    torch writes ZIP archives; TensorFlow's are safetensors: the length of a JSON table, then that table.
    """
    with path.open("rb") as file:
        head = file.read(9)
    if head.startswith(_ZIP):
        return "pytorch"
    return "tensorflow" if head[8:] == b"{" else None


def require_backend(path: Path, backend: str) -> None:
    """Accept a checkpoint that the other backend did not write.

    Raises:
        ValueError: It did; momenta and orders of one backend mean nothing to the other.
    """
    writer = writer_of(path)
    if writer not in (None, backend):
        raise ValueError(
            error_text(
                f"{path} is a checkpoint of the {_NAMES[writer]} backend, "
                f"and training.backend is {backend!r}",
                expected=f"a checkpoint that the {_NAMES[backend]} backend wrote",
                hint=f'training.backend = "{writer}", or {FRESH_START}',
            )
        )


def carry_over(earlier: EarlierTraining, folder: Path, *, last: bool = True) -> None:
    """Copy a resumed checkpoint and the best ones before it into the folder of this run.

    Args:
        earlier: The training that is resumed.
        folder: The folder of this run.
        last: Whether the checkpoint goes along: a training that had seen its last epoch writes no other.
    """
    if earlier.path.parent.resolve() == folder.resolve():
        return
    for path, epoch in best_checkpoints(earlier.path.parent).items():
        if epoch < earlier.epochs:
            copy_file(path, folder / path.name)
    if last:
        # It comes after the others, and whole: a folder with a checkpoint can be gone on from.
        copy_file(earlier.path, folder / LAST_CHECKPOINT)
        if is_unfinished(folder):
            # However often a run is ended and queued again, its checkpoints lie on the disk twice at most.
            remove_obsolete(outlived(earlier.path, folder), folder.name)
