"""Continue an earlier training: find its checkpoint, see that it fits. Each backend reads its own files."""

import logging
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ptycho.files.atomic import replacing
from ptycho.run.attempts import agreeing_attempts, is_unfinished
from ptycho.run.record import LAST_CHECKPOINT
from ptyconf.errors import error_text

logger = logging.getLogger(__name__)

BEST_CHECKPOINTS = "best-epoch*.ckpt"
UNWRITTEN = {"turn_frames": False}
"""What held in trainings whose checkpoints do not say it."""

FRESH_START = "training.resume unset for a fresh start"


def best_checkpoint_name(epoch: int) -> str:
    """Name the file of an epoch that is among the best; `BEST_CHECKPOINTS` finds it."""
    return f"best-epoch{epoch:03d}.ckpt"


@dataclass(frozen=True)
class EarlierTraining:
    """What a checkpoint says about the training that wrote it.

    Attributes:
        path: The checkpoint.
        network: Settings of the network, JSON types.
        history: One row for each finished epoch.
        content: The whole checkpoint, where the backend reads it at once.
    """

    path: Path
    network: dict[str, Any]
    history: list[dict[str, float]]
    content: Any = field(default=None, repr=False, compare=False)

    @property
    def epochs(self) -> int:
        """Epochs that were finished."""
        return len({int(row["epoch"]) for row in self.history})

    @property
    def note(self) -> str:
        """Say in a sentence where the training goes on."""
        return f"the training resumes from {self.path} after {self.epochs} epochs"

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
    for number, attempt in enumerate(attempts, start=1):
        try:
            return read(attempt.checkpoint)
        except ValueError as error:
            if number == len(attempts):
                raise
            reason = str(error).partition("\n")[0]
            logger.warning("%s: the checkpoint before it, in %s, is taken", reason, attempts[number].folder)
    missing = f"{path} holds no {LAST_CHECKPOINT}" if path.is_dir() else f"{path} does not exist"
    raise FileNotFoundError(
        error_text(
            f"there is nothing to resume from: {missing}",
            expected=f"a run folder with {LAST_CHECKPOINT}, or a checkpoint",
            hint=FRESH_START,
        )
    )


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
    return ValueError(
        error_text(
            f"{path} is not a checkpoint of a training: {reason}",
            expected=f"a {LAST_CHECKPOINT} or {BEST_CHECKPOINTS} that `ptycho train` wrote with this backend",
            hint="another training.resume",
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


def carry_over(source: Path, folder: Path, *, last: bool = True) -> None:
    """Copy a resumed checkpoint and the best ones beside it into the folder of this run.

    Args:
        source: The checkpoint.
        folder: The folder of this run.
        last: Whether the checkpoint goes along: a training that had seen its last epoch writes no other.
    """
    if source.parent.resolve() == folder.resolve():
        return
    for path in sorted(source.parent.glob(BEST_CHECKPOINTS)):
        shutil.copy2(path, folder / path.name)
    if last:
        # It comes after the others, and whole: a folder with a checkpoint can be gone on from.
        with replacing(folder / LAST_CHECKPOINT) as temporary:
            shutil.copy2(source, temporary)
