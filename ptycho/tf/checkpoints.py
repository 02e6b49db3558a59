"""Checkpoints of a TensorFlow training: arrays in safetensors, everything else as JSON in its header.

Reading one runs no code and needs no arguments.

Arrays:
    network/NAME: the weights under canonical names.
    best/NAME: those of the best epoch so far; absent where none was finished.
    optimiser/NAME: Adam's momenta and velocities, and its count of steps.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ptycho.files.atomic import replacing
from ptycho.files.foreign import BY_CONTENT
from ptycho.network.settings import NetworkSettings
from ptycho.training.resume import (
    EarlierTraining,
    finished_epochs,
    not_a_checkpoint,
    read_newest,
    require_backend,
)

from .model import PtychoNetwork

Arrays = dict[str, np.ndarray]

FORMAT = 1
"""Grows when a checkpoint means something else than before."""

_HEADER, _DIGESTS = "ptychopinn", "sha256"
_NETWORK, _BEST, _OPTIMISER = "network/", "best/", "optimiser/"


@dataclass
class Checkpoint:
    """A training between two epochs.

    Attributes:
        hyperparameters: Settings of network, loss and optimisation, and the normalisation; JSON types.
        history: One row for each finished epoch.
        network: Weights under canonical names.
        optimiser: What the optimiser remembers.
        best: Weights of the best epoch; empty where none was finished.
        beside: What schedule and ranking remember, by their names; JSON types.
        settings_toml: The settings of the training, as the text of a settings file.
        scans: Fingerprints of the scans that it learns from.
    """

    hyperparameters: dict[str, Any]
    history: list[dict[str, float]]
    network: Arrays
    optimiser: Arrays = field(default_factory=dict)
    best: Arrays = field(default_factory=dict)
    beside: dict[str, Any] = field(default_factory=dict)
    settings_toml: str = ""
    scans: tuple[str, ...] = ()


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; the file appears whole or not at all."""
    from safetensors.numpy import save

    header = {
        "format": FORMAT,
        "backend": "tensorflow",
        "hyperparameters": checkpoint.hyperparameters,
        "history": checkpoint.history,
        "beside": checkpoint.beside,
        "settings_toml": checkpoint.settings_toml,
        "scans": checkpoint.scans,
    }
    parts = ((_NETWORK, checkpoint.network), (_BEST, checkpoint.best), (_OPTIMISER, checkpoint.optimiser))
    arrays = {
        prefix + name: np.asarray(array, order="C") for prefix, part in parts for name, array in part.items()
    }
    text = json.dumps(header)
    digests = {name: _digest(array) for name, array in arrays.items()}
    digests[_HEADER] = hashlib.sha256(text.encode()).hexdigest()
    # Written as bytes: save_file would give the file a mode of its own, whatever the umask says.
    content = save(arrays, metadata={_HEADER: text, _DIGESTS: json.dumps(digests)})
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def _digest(array: np.ndarray) -> str:
    """Give the sha256 of an array: of its type, its shape and its bytes."""
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data if array.ndim else array.tobytes())
    return digest.hexdigest()


def _require_undamaged(metadata: Mapping[str, str], arrays: Arrays) -> None:
    """Compare arrays and header with their digests; files that were written without any have none.

    Raises:
        ValueError: One is not what was written.
    """
    if _DIGESTS not in metadata:
        return
    digests = dict(json.loads(metadata[_DIGESTS]))
    actual = {name: _digest(array) for name, array in arrays.items()}
    actual[_HEADER] = hashlib.sha256(metadata[_HEADER].encode()).hexdigest()
    damaged = sorted(name for name in {*digests, *actual} if digests.get(name) != actual.get(name))
    if damaged:
        raise ValueError(f"it is damaged: {damaged[0]} is not what was written")


def read_checkpoint(path: Path) -> EarlierTraining:
    """Read a checkpoint, which is the content of what is handed back.

    Args:
        path: A run folder or a file.

    Raises:
        FileNotFoundError: It is not there.
        ValueError: The file is none of ours, or one of the other backend.
    """
    return read_newest(path, _read_earlier)


def _read_earlier(path: Path) -> EarlierTraining:
    require_backend(path, "tensorflow")
    checkpoint = _read(path)
    try:
        network = dict(checkpoint.hyperparameters["network"])
    except (KeyError, TypeError, ValueError) as error:
        raise not_a_checkpoint(path, error) from error
    return EarlierTraining(path, network, checkpoint.history, checkpoint.scans, checkpoint)


def _read(path: Path) -> Checkpoint:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            header = json.loads(metadata[_HEADER])
            _require_format(header)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        _require_undamaged(metadata, arrays)
        _require_finite(arrays)
        return Checkpoint(
            hyperparameters=dict(header["hyperparameters"]),
            history=finished_epochs(header["history"]),
            network=_part(arrays, _NETWORK),
            optimiser=_part(arrays, _OPTIMISER),
            best=_part(arrays, _BEST),
            beside=dict(header["beside"]),
            settings_toml=str(header["settings_toml"]),
            scans=tuple(map(str, header.get("scans", ()))),
        )
    except SafetensorError as error:
        raise not_a_checkpoint(path, f"it is cut short or damaged ({error})") from error
    except (MemoryError, *BY_CONTENT) as error:
        raise not_a_checkpoint(path, error) from error


def _require_finite(arrays: Arrays) -> None:
    odd = [
        name for name, array in arrays.items() if name.startswith(_NETWORK) and not np.isfinite(array).all()
    ]
    if odd:
        raise ValueError(f"its {odd[0]} is not finite")


def _require_format(header: Mapping[str, Any]) -> None:
    if header["format"] != FORMAT:
        raise ValueError(f"its format is {header['format']!r}, and this version reads {FORMAT}")


def _part(arrays: Mapping[str, np.ndarray], prefix: str) -> Arrays:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def load_network(path: Path) -> PtychoNetwork:
    """Make the network of a checkpoint; nothing else is needed.

    Raises:
        FileNotFoundError: It is not there.
        ValueError: The file is none of ours, or its arrays do not make its network.
    """
    from .module import network_of

    earlier = read_checkpoint(path)
    try:
        return network_of(NetworkSettings(**earlier.network), earlier.content.network)
    except BY_CONTENT as error:
        raise not_a_checkpoint(earlier.path, error) from error
