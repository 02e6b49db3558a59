"""Continue an earlier training: find its checkpoint, read what it knows, see that it fits."""

import pickle
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from .callbacks import LAST_CHECKPOINT


@dataclass(frozen=True)
class Resumed:
    """What a checkpoint says about the training that wrote it.

    Attributes:
        path: The checkpoint.
        epochs: Epochs that were finished.
        hyperparameters: Arguments of the module, JSON types.
        history: One row for each finished epoch.
    """

    path: Path
    epochs: int
    hyperparameters: dict[str, Any]
    history: list[dict[str, float]]

    def require_same_network(self, settings: dict[str, Any]) -> None:
        """Accept settings that give the network of the checkpoint.

        Raises:
            ValueError: They give another one.
        """
        stored = self.hyperparameters["network"]
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


def read_checkpoint(path: Path) -> Resumed:
    """Read what a checkpoint says, running no code from it.

    Raises:
        FileNotFoundError: There is no checkpoint.
        ValueError: The file is no checkpoint of ours.
    """
    path = find_checkpoint(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        return Resumed(
            path=path,
            epochs=len({int(row["epoch"]) for row in content["history"]}),
            hyperparameters=dict(content["hyper_parameters"]),
            history=list(content["history"]),
        )
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError, zipfile.BadZipFile) as error:
        reason = str(error).strip().split("\n", maxsplit=1)[0] or type(error).__name__
        raise ValueError(
            f"{path} is not a checkpoint of a training: {reason}\n"
            f"  expected  a {LAST_CHECKPOINT} or best-epoch*.ckpt that `ptycho train` wrote\n"
            "  try       another training.resume"
        ) from error


def carry_over_best(source: Path, folder: Path) -> None:
    """Copy the best checkpoints beside a resumed one into the folder of this run."""
    if source.parent.resolve() == folder.resolve():
        return
    for path in sorted(source.parent.glob("best-epoch*.ckpt")):
        shutil.copy2(path, folder / path.name)
