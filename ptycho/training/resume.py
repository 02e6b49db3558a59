"""Continue an earlier training: find its checkpoint, see that it fits. Each backend reads its own files."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LAST_CHECKPOINT = "last.ckpt"
BEST_CHECKPOINTS = "best-epoch*.ckpt"


@dataclass(frozen=True)
class Resumed:
    """What a checkpoint says about the training that wrote it.

    Attributes:
        path: The checkpoint.
        epochs: Epochs that were finished.
        network: Settings of the network, JSON types.
        history: One row for each finished epoch.
    """

    path: Path
    epochs: int
    network: dict[str, Any]
    history: list[dict[str, float]]

    def require_same_network(self, settings: dict[str, Any]) -> None:
        """Accept settings that give the network of the checkpoint.

        Raises:
            ValueError: They give another one.
        """
        stored = self.network
        differing = [name for name in settings if settings[name] != stored.get(name)]
        if differing:
            listed = ", ".join(
                f"{name} = {settings[name]!r} (there {stored.get(name)!r})" for name in differing
            )
            raise ValueError(
                f"the training cannot resume from {self.path}: {listed}\n"
                "  expected  the settings that made the checkpoint\n"
                "  try       the settings.toml of its run folder, or training.resume unset for a fresh start"
            )

    def require_epochs_left(self, epochs: int) -> None:
        """Accept a number of epochs that leaves something to do.

        Raises:
            ValueError: The checkpoint has seen as many already.
        """
        if self.epochs >= epochs:
            raise ValueError(
                f"nothing is left to train: {self.path} has seen {self.epochs} epochs, and "
                f"training.nepochs is {epochs}\n"
                "  expected  training.nepochs: the epochs of the whole training, those before included\n"
                f"  try       training.nepochs = {self.epochs + epochs}"
            )


def find_checkpoint(path: Path) -> Path:
    """Find the checkpoint that a run folder or a file name means.

    Raises:
        FileNotFoundError: There is none.
    """
    path = Path(path)
    if path.is_file():
        return path
    candidates = (path / LAST_CHECKPOINT, path.with_name(path.name + ".partial") / LAST_CHECKPOINT)
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    what = f"{path} holds no {LAST_CHECKPOINT}" if path.is_dir() else f"{path} does not exist"
    raise FileNotFoundError(
        f"there is nothing to resume from: {what}\n"
        f"  expected  a run folder with {LAST_CHECKPOINT}, or a checkpoint\n"
        "  try       training.resume unset for a fresh start"
    )


def refuse_checkpoint(path: Path, reason: str) -> ValueError:
    """Make the error of a file that is no checkpoint of this backend."""
    return ValueError(
        f"{path} is not a checkpoint of a training: {reason}\n"
        f"  expected  a {LAST_CHECKPOINT} or {BEST_CHECKPOINTS} that `ptycho train` wrote with this backend\n"
        "  try       another training.resume"
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
            f"{path} is a checkpoint of the {_NAMES[writer]} backend, and training.backend is {backend!r}\n"
            f"  expected  a checkpoint that the {_NAMES[backend]} backend wrote\n"
            f'  try       training.backend = "{writer}", or training.resume unset for a fresh start'
        )


def carry_over_best(source: Path, folder: Path) -> None:
    """Copy the best checkpoints beside a resumed one into the folder of this run."""
    if source.parent.resolve() == folder.resolve():
        return
    for path in sorted(source.parent.glob(BEST_CHECKPOINTS)):
        shutil.copy2(path, folder / path.name)
