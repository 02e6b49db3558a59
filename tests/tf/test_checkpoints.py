"""Checkpoints: everything comes back, nothing runs, nothing is half there."""

import json
import os
import pickle
import resource
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import SafetensorError
from safetensors.numpy import save_file

from ptycho.tf.checkpoints import Checkpoint, load_network, read_checkpoint, write_checkpoint
from ptycho.tf.model import PtychoNetwork
from ptycho.tf.weights import export

UNREADABLE = "it is cut short or damaged (Error while deserializing header"
"""What safetensors says of a file that is none of its own."""


def checkpoint(epochs: int = 2) -> Checkpoint:
    """Make a checkpoint with a value of every kind that one holds."""
    arrays = {
        "probe": np.arange(8, dtype=np.float32).reshape(2, 2, 2) * np.complex64(1 - 2j),
        "mask": np.eye(2, dtype=bool),
        "log_gain": np.array(0.25, np.float32),
        "core/head/kernel": np.arange(6.0, dtype=np.float32).reshape(1, 2, 3).T,
    }
    return Checkpoint(
        hyperparameters={"network": {"N": 64, "gridsize": 1, "amp_activation": "swish"}},
        history=[{"epoch": float(epoch), "train_loss": 1 / (epoch + 3)} for epoch in range(epochs)],
        network=arrays,
        optimiser={"steps": np.array(12), "momentum/probe": np.full((2, 2), 1e-30, np.float32)},
        best={name: array[..., ::-1] if array.ndim else array for name, array in arrays.items()},
        beside={"steps": 12, "course": None, "end": {"best": float("inf"), "waited": 3}},
        settings_toml='[model]\nnote = "µm"\n',
    )


def same_arrays(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> bool:
    """Compare names, types and values."""
    return first.keys() == second.keys() and all(
        array.dtype == second[name].dtype and np.array_equal(array, second[name])
        for name, array in first.items()
    )


def test_everything_comes_back(tmp_path: Path) -> None:
    """Read after write is the identity: arrays bit for bit, all else by value."""
    written = checkpoint()
    write_checkpoint(tmp_path / "last.ckpt", written)
    read = read_checkpoint(tmp_path).content
    for part in ("network", "optimiser", "best"):
        assert same_arrays(getattr(read, part), getattr(written, part)), part
    for part in ("hyperparameters", "history", "beside", "settings_toml"):
        assert getattr(read, part) == getattr(written, part), part


def test_a_checkpoint_says_what_it_knows(tmp_path: Path) -> None:
    """Path, finished epochs, settings of the network and history are told apart from the arrays."""
    path = tmp_path / "best-epoch002.ckpt"
    write_checkpoint(path, checkpoint(epochs=3))
    resumed = read_checkpoint(path)
    assert (resumed.path, resumed.epochs) == (path, 3)
    assert resumed.network == {"N": 64, "gridsize": 1, "amp_activation": "swish"}
    assert [row["epoch"] for row in resumed.history] == [0.0, 1.0, 2.0]


def test_no_epoch_is_no_best(tmp_path: Path) -> None:
    """A training that finished nothing has no best weights, and none come back."""
    path = tmp_path / "last.ckpt"
    write_checkpoint(path, Checkpoint({"network": {}}, [], {"log_gain": np.zeros(())}))
    resumed = read_checkpoint(path)
    read = resumed.content
    assert (resumed.epochs, read.best, read.optimiser) == (0, {}, {})


def test_network_loads_without_arguments(make_network: Callable[..., PtychoNetwork], tmp_path: Path) -> None:
    """Settings, probe, mask and weights of a network stand in its checkpoint."""
    network = make_network(architecture="unet", unet_stages=1, gridsize=2, probe_modes=2)
    network.log_gain.assign(0.5)
    network.mask.assign(np.triu(np.ones((64, 64), bool)))
    path = tmp_path / "last.ckpt"
    write_checkpoint(path, Checkpoint({"network": network.settings.as_dict()}, [], export(network)))
    again = load_network(path)
    assert again.settings == network.settings
    assert same_arrays(export(again), export(network))


def refuse(path: Path, reason: str, read: Callable[[Path], object] = read_checkpoint) -> None:
    """Read what is no checkpoint, and look at the whole error."""
    with pytest.raises(ValueError, match="is not a checkpoint of a training") as caught:
        read(path)
    assert str(caught.value) == (
        f"{path} is not a checkpoint of a training: {reason}\n"
        "  expected  a last.ckpt or best-epoch*.ckpt that `ptycho train` wrote with this backend\n"
        "  try       another training.resume"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "header too small"),
        (b"not a checkpoint", "header too large"),
        (
            b"\x02" + bytes(7) + b"{x",
            "invalid JSON in header: key must be a string at line 1 column 2",
        ),
    ],
)
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    """A file of another kind gives one clear error."""
    path = tmp_path / "last.ckpt"
    path.write_bytes(content)
    refuse(path, f"{UNREADABLE}: {reason})")


@pytest.mark.parametrize(
    ("kept", "reason"),
    [(0.999, "incomplete metadata, file not fully covered"), (0.1, "invalid header length")],
)
def test_cut_checkpoint_is_refused(tmp_path: Path, kept: float, reason: str) -> None:
    """A copy that broke off is refused, wherever that was."""
    path = tmp_path / "last.ckpt"
    write_checkpoint(path, checkpoint())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    refuse(path, f"{UNREADABLE}: {reason})")


HEADER = {
    "format": 1,
    "backend": "tensorflow",
    "hyperparameters": {"network": {}},
    "history": [],
    "beside": {},
    "settings_toml": "",
}
FOREIGN: dict[str, tuple[Any, str]] = {
    "of another program": (None, "it lacks 'ptychopinn'"),
    "without a history": (
        {name: value for name, value in HEADER.items() if name != "history"},
        "it lacks 'history'",
    ),
    "with a nameless epoch": (HEADER | {"history": [{"train_loss": 1.0}]}, "it lacks 'epoch'"),
    "with a number for a history": (HEADER | {"history": 3}, "'int' object is not iterable"),
    "of a later format": (HEADER | {"format": 2}, "its format is 2, and this version reads 1"),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_foreign_arrays_are_refused(tmp_path: Path, case: str) -> None:
    """Arrays in the right container that are no training of ours are told from one."""
    header, reason = FOREIGN[case]
    path = tmp_path / "last.ckpt"
    metadata = None if header is None else {"ptychopinn": json.dumps(header)}
    save_file({"network/log_gain": np.zeros(1)}, path, metadata=metadata)
    refuse(path, reason)


@pytest.mark.parametrize(
    ("lost", "reason"),
    [
        ("probe", "it lacks 'probe'"),
        ("mask", "these weights belong to another network"),
    ],
)
def test_a_network_with_lost_arrays_is_refused(
    make_network: Callable[..., PtychoNetwork], tmp_path: Path, lost: str, reason: str
) -> None:
    """A checkpoint whose arrays do not make its network names what is missing."""
    network, path = make_network(architecture="unet", unet_stages=1), tmp_path / "last.ckpt"
    arrays = export(network)
    assert arrays.pop(lost) is not None
    write_checkpoint(path, Checkpoint({"network": network.settings.as_dict()}, [], arrays))
    refuse(path, reason, load_network)


class Trap:
    """Leaves a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        """Say how to make the object again."""
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", [0, pickle.HIGHEST_PROTOCOL])
def test_code_in_a_checkpoint_does_not_run(tmp_path: Path, protocol: int) -> None:
    """A pickle under the name of a checkpoint is refused, not unpickled."""
    path, sprung = tmp_path / "last.ckpt", tmp_path / "sprung"
    content = pickle.dumps(Trap(sprung), protocol)
    pickle.loads(content)
    assert sprung.exists()
    sprung.unlink()
    path.write_bytes(content)
    refuse(path, f"{UNREADABLE}: header too large)")
    assert not sprung.exists()


@pytest.fixture
def narrow_disk() -> Iterator[None]:
    """A process that may write no file above 100 kB, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("narrow_disk")
def test_failed_write_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    """A checkpoint appears whole or not at all: a full disk spoils nothing and leaves no rest."""
    path = tmp_path / "last.ckpt"
    write_checkpoint(path, checkpoint(epochs=1))
    before = path.read_bytes()
    large = checkpoint()
    large.network["core/head/bias"] = np.zeros(10**6, np.float32)
    with pytest.raises((SafetensorError, OSError), match="File too large"):
        write_checkpoint(path, large)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["last.ckpt"]


def test_a_flipped_bit_is_refused(tmp_path: Path) -> None:
    """One wrong bit in an array or in what is said about the training is seen."""
    path = tmp_path / "last.ckpt"
    write_checkpoint(path, checkpoint())
    sound, rng = path.read_bytes(), np.random.default_rng(0)
    arrays = sound.index(np.full((2, 2), 1e-30, np.float32).tobytes())
    history = sound.index(b"train_loss")
    for start, length, named in ((arrays, 16, "optimiser/momentum/probe"), (history, 4, "ptychopinn")):
        for place in rng.integers(start, start + length, size=10).tolist():
            damaged = bytearray(sound)
            damaged[place] ^= 1
            path.write_bytes(damaged)
            refuse(path, f"it is damaged: {named} is not what was written")


def test_a_file_has_the_mode_of_its_user(tmp_path: Path) -> None:
    """A checkpoint can be read by whom the umask lets read, like every other file of a run."""
    before = os.umask(0o027)
    try:
        write_checkpoint(tmp_path / "last.ckpt", checkpoint())
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "last.ckpt").stat().st_mode) == 0o640


def test_a_history_with_gaps_is_refused(tmp_path: Path) -> None:
    """Epochs that never were, or that are no numbers, are not gone on from."""
    for epoch in (7.0, float("inf"), 1e6):
        broken = checkpoint()
        broken.history[-1]["epoch"] = epoch
        write_checkpoint(tmp_path / "last.ckpt", broken)
        refuse(tmp_path / "last.ckpt", "its history does not count epochs from 0")


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    """A training that goes on from them could never learn anything."""
    path, spoilt = tmp_path / "last.ckpt", checkpoint()
    name = next(iter(spoilt.network))
    spoilt.network[name] = np.full_like(spoilt.network[name], np.nan)
    write_checkpoint(path, spoilt)
    refuse(path, f"its network/{name} is not finite")
