"""Checkpoints of a TensorFlow training: arrays in safetensors, everything else as JSON in its header.

Reading one runs no code and needs no arguments.

Arrays:
    network/NAME: the weights under canonical names.
    best/NAME: those of the best epoch so far; absent where none was finished.
    optimiser/NAME: Adam's momenta and velocities, and its count of steps.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ptycho.files.atomic import replacing
from ptycho.network.settings import NetworkSettings
from ptycho.training.resume import EarlierTraining, find_checkpoint, not_a_checkpoint, require_backend

from .model import PtychoNetwork

Arrays = dict[str, np.ndarray]

FORMAT = 1
"""Grows when a checkpoint means something else than before."""

_HEADER = "ptychopinn"
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
    """

    hyperparameters: dict[str, Any]
    history: list[dict[str, float]]
    network: Arrays
    optimiser: Arrays = field(default_factory=dict)
    best: Arrays = field(default_factory=dict)
    beside: dict[str, Any] = field(default_factory=dict)
    settings_toml: str = ""


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; the file appears whole or not at all."""
    from safetensors.numpy import save_file

    header = {
        "format": FORMAT,
        "backend": "tensorflow",
        "hyperparameters": checkpoint.hyperparameters,
        "history": checkpoint.history,
        "beside": checkpoint.beside,
        "settings_toml": checkpoint.settings_toml,
    }
    parts = ((_NETWORK, checkpoint.network), (_BEST, checkpoint.best), (_OPTIMISER, checkpoint.optimiser))
    arrays = {
        prefix + name: np.asarray(array, order="C") for prefix, part in parts for name, array in part.items()
    }
    with replacing(path) as temporary:
        save_file(arrays, temporary, metadata={_HEADER: json.dumps(header)})


def read_checkpoint(path: Path) -> EarlierTraining:
    """Read a checkpoint, which is the content of what is handed back.

    Args:
        path: A run folder or a file.

    Raises:
        FileNotFoundError: It is not there.
        ValueError: The file is none of ours, or one of the other backend.
    """
    path = find_checkpoint(path)
    require_backend(path, "tensorflow")
    checkpoint = _read(path)
    try:
        network = dict(checkpoint.hyperparameters["network"])
    except (KeyError, TypeError, ValueError) as error:
        raise not_a_checkpoint(path, error) from error
    return EarlierTraining(path, network, checkpoint.history, checkpoint)


def _read(path: Path) -> Checkpoint:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {})[_HEADER])
            _require_format(header)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return Checkpoint(
            hyperparameters=dict(header["hyperparameters"]),
            history=[{**row, "epoch": float(row["epoch"])} for row in header["history"]],
            network=_part(arrays, _NETWORK),
            optimiser=_part(arrays, _OPTIMISER),
            best=_part(arrays, _BEST),
            beside=dict(header["beside"]),
            settings_toml=str(header["settings_toml"]),
        )
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError, OSError) as error:
        raise not_a_checkpoint(path, error) from error


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
    from .module import plain_network

    earlier = read_checkpoint(path)
    try:
        return plain_network(NetworkSettings(**earlier.network), earlier.content.network)
    except (KeyError, ValueError, TypeError) as error:
        raise not_a_checkpoint(earlier.path, error) from error
