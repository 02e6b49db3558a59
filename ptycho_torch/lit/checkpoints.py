"""Checkpoints as Lightning writes them, opened without running any code from them."""

import pickle
import struct
import tomllib
import zipfile
from pathlib import Path
from typing import Any, Self

import torch

from ptycho.files.foreign import BY_CONTENT
from ptycho.physics.scale import Normalisation
from ptycho.training.resume import (
    EarlierTraining,
    finished_epochs,
    not_a_checkpoint,
    read_newest,
    require_backend,
)
from ptycho_torch.nn.model import PtychoNetwork
from ptyconf.errors import error_text

from .module import SCANS_KEY, SETTINGS_KEY, PtychoModule
from .trainer import quiet

_PARTS = {
    "state_dict": dict,
    "optimizer_states": list,
    "loops": dict,
    "callbacks": dict,
    "epoch": int,
    "global_step": int,
    "pytorch-lightning_version": str,
}
"""What a training is resumed from besides its history, and of which kind it is."""

UNREADABLE = (*BY_CONTENT, pickle.UnpicklingError, zipfile.BadZipFile, EOFError, struct.error, MemoryError)
"""What Python, torch and Lightning raise about a file that is not what it seems."""

_OURS = "a file .ckpt that a training of ptychopinn wrote"


class PtychoPINN_Lightning(PtychoModule):  # noqa: N801  The name is a public contract.
    """The Lightning module, under the name and with the keyword arguments that clients know."""

    @classmethod
    def load_from_checkpoint(  # type: ignore[override]
        cls,
        checkpoint_path: str | Path,
        map_location: Any = "cpu",
        *,
        model_config: object = None,
        data_config: object = None,
        training_config: object = None,
        inference_config: object = None,
        **more: Any,
    ) -> Self:
        """Read a network with its scales out of a checkpoint, which says itself what it holds.

        Args:
            checkpoint_path: File of a training.
            map_location: Where the weights go.
            model_config: Taken for the client's sake; `ConfigManager.validate_arch_compatibility` compares.
            data_config: Likewise.
            training_config: Likewise.
            inference_config: Likewise.
            more: Further arguments of Lightning's method.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is no checkpoint of this library.
        """
        del model_config, data_config, training_config, inference_config
        path = Path(checkpoint_path)
        read_settings(path)
        arguments = {"weights_only": True, **more}
        with quiet():
            try:
                module: Self = super().load_from_checkpoint(path, map_location=map_location, **arguments)
            except UNREADABLE as error:
                raise _not_ours(path, _first_line(error)) from error
        return module


def read_settings(path: Path) -> dict[str, Any]:
    """Read the settings that a checkpoint keeps, by path.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no checkpoint of this library.
    """
    if not path.is_file():
        raise FileNotFoundError(
            error_text(
                f"there is no checkpoint at {path}", expected=_OURS, hint="the model of another training"
            )
        )
    return settings_by_path(_read(path)[SETTINGS_KEY])


def _read(path: Path) -> dict[str, Any]:
    """Read a checkpoint whose settings can be read."""
    if not zipfile.is_zipfile(path):
        raise _not_ours(path, "it is no archive")
    try:
        _require_undamaged(path)
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        settings_by_path(content[SETTINGS_KEY])
    except pickle.UnpicklingError as error:
        raise _not_ours(path, "it holds Python objects, which are never opened") from error
    except KeyError as error:
        raise _not_ours(path, f"it keeps no {error.args[0]}") from error
    except UNREADABLE as error:
        raise _not_ours(path, _first_line(error)) from error
    return content


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", maxsplit=1)[0] or type(error).__name__


def _require_undamaged(path: Path) -> None:
    """Check every array against the CRC-32 that torch wrote beside it, which torch itself does not look at.

    Raises:
        BadZipFile: One does not agree, or the archive cannot be read.
    """
    if not zipfile.is_zipfile(path):
        raise zipfile.BadZipFile("it is cut short, or torch did not write it")
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            # torch stores its members as they are, and unpacks packed ones into memory, whatever they claim.
            if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
                raise zipfile.BadZipFile(f"{member.filename} in it is packed, and torch packs nothing")
        damaged = archive.testzip()
    if damaged is not None:
        raise zipfile.BadZipFile(f"it is damaged: {damaged} is not what was written")


def _not_ours(path: Path, reason: str) -> ValueError:
    what = f"{path} is not a checkpoint of this library: {reason}"
    return ValueError(error_text(what, expected=_OURS, hint="training again with this version"))


def settings_by_path(text: object) -> dict[str, Any]:
    """Read the text of a settings file without profiles and includes, as `dump_toml` writes it.

    Raises:
        ValueError: It is no TOML.
    """
    if not isinstance(text, str):
        raise ValueError("its settings are no text")  # noqa: TRY004  What a file holds is a value.
    tables = tomllib.loads(text)
    settings: dict[str, Any] = dict.fromkeys(tables.pop("unset", []))
    for section, table in tables.items():
        settings |= {f"{section}.{name}": value for name, value in table.items()}
    return settings


def read_best_name(last: Path) -> str:
    """Read from the last checkpoint of a training how the file of its best epoch is called."""
    callbacks = _read(last)["callbacks"]
    names = [
        Path(state["best_model_path"]).name for state in callbacks.values() if "best_model_path" in state
    ]
    return names[0] if names else ""


def read_checkpoint(path: Path) -> EarlierTraining:
    """Read what a run folder or file says of its training; Lightning reads the weights when it starts.

    Raises:
        FileNotFoundError: Nothing is there.
        ValueError: It is none of ours, or TensorFlow's.
    """
    return read_newest(path, _read_earlier)


def _read_earlier(path: Path) -> EarlierTraining:
    require_backend(path, "pytorch")
    try:
        _require_undamaged(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
        history = finished_epochs(content["history"])
        _require_whole(content, len({row["epoch"] for row in history}))
        scans = tuple(map(str, content.get(SCANS_KEY, ())))
        return EarlierTraining(path, dict(content["hyper_parameters"]["network"]), history, scans)
    except UNREADABLE as error:
        raise not_a_checkpoint(path, error) from error


def _require_whole(content: dict[str, Any], epochs: int) -> None:
    """Accept a checkpoint with everything that Lightning takes up again.

    Raises:
        KeyError: A part is missing.
        TypeError: A part is of another kind.
        ValueError: A part does not belong to a training that has seen these epochs.
    """
    for name, kind in _PARTS.items():
        if not isinstance(content[name], kind):
            raise TypeError(f"its {name} is a {type(content[name]).__name__}")
    if content["epoch"] != epochs - 1:
        raise ValueError(f"its epoch is {content['epoch']!r}, and its history has {epochs}")
    if not content["state_dict"] or not content["optimizer_states"]:
        raise ValueError("it holds no weights, or nothing of the optimiser")
    for name, tensor in content["state_dict"].items():
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(f"its {name} is a {type(tensor).__name__}")
        if not (tensor.is_floating_point() or tensor.dtype is torch.bool):
            raise ValueError(f"its {name} has numbers of the kind {tensor.dtype}")
        if not torch.isfinite(tensor).all():
            raise ValueError(f"its {name} is not finite")
    Normalisation.from_dict(dict(content["hyper_parameters"]["normalisation"]))


def load_network(checkpoint: Path, device: str | torch.device = "cpu") -> PtychoNetwork:
    """Read the network out of a file, which needs nothing else.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no checkpoint of this library, or its arrays do not make its network.
    """
    return PtychoPINN_Lightning.load_from_checkpoint(checkpoint, map_location=device).network.eval()
