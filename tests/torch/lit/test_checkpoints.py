"""Continue an earlier training."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ptycho.physics.scale import Normalisation
from ptycho_torch.lit.checkpoints import load_network, read_checkpoint

EARLIER = Path(__file__).resolve().parents[2] / "data" / "earlier" / "pytorch-unet.ckpt"

NORMALISATION = Normalisation(
    amplitude_factor=1.0,
    intensity_scale=988.0,
    probe_factor=1.0,
    nphotons=1e9,
    mean_square=1.0,
    energy_ratio=1.0,
)


def content_of(epochs: int = 2) -> dict[str, Any]:
    """Give what Lightning writes, with as much of each part as is looked at."""
    return {
        "epoch": epochs - 1,
        "global_step": epochs,
        "pytorch-lightning_version": "2.0.0",
        "state_dict": {"weight": torch.arange(4096.0)},
        "optimizer_states": [{"state": {}}],
        "loops": {},
        "callbacks": {},
        "history": [{"epoch": float(epoch), "train_loss": 1.0} for epoch in range(epochs)],
        "hyper_parameters": {
            "network": {"N": 64, "gridsize": 1},
            "normalisation": NORMALISATION.as_dict(),
        },
    }


def checkpoint(path: Path, epochs: int = 2) -> Path:
    """Write a checkpoint."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content_of(epochs), path)
    return path


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 damaged"])
def test_damaged_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file that is no checkpoint gives one clear error."""
    path = tmp_path / "last.ckpt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is not a checkpoint of a training") as caught:
        read_checkpoint(path)
    assert str(caught.value).endswith(
        "\n  expected  a last.ckpt or best-epoch*.ckpt that `ptycho train` wrote with this backend\n"
        "  try       another training.resume"
    )


def test_code_in_a_checkpoint_does_not_run(tmp_path: Path) -> None:
    """A checkpoint that carries an object of some class is refused, not unpickled."""
    path = tmp_path / "last.ckpt"
    torch.save({"history": [], "hyper_parameters": Path("x")}, path)
    with pytest.raises(ValueError, match="is not a checkpoint of a training"):
        read_checkpoint(path)


def test_a_checkpoint_says_what_it_knows(tmp_path: Path) -> None:
    """Epochs, history and settings of the network come back."""
    path = checkpoint(tmp_path / "last.ckpt", epochs=3)
    resumed = read_checkpoint(tmp_path)
    assert (resumed.path, resumed.epochs, resumed.network) == (path, 3, {"N": 64, "gridsize": 1})
    assert [row["epoch"] for row in resumed.history] == [0.0, 1.0, 2.0]


def test_a_flipped_bit_is_refused(tmp_path: Path) -> None:
    """One wrong bit anywhere in the largest array is seen, and the array is named."""
    path = checkpoint(tmp_path / "last.ckpt")
    sound, rng = path.read_bytes(), np.random.default_rng(0)
    start = sound.index(np.arange(4096, dtype=np.float32).tobytes())
    for place in rng.integers(start, start + 4 * 4096, size=20).tolist():
        damaged = bytearray(sound)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"it is damaged: \w+/data/0 is not what was written"):
            read_checkpoint(path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"state_dict": None}, "its state_dict is a NoneType"),
        ({"state_dict": {}}, "it holds no weights, or nothing of the optimiser"),
        ({"state_dict": {"a": 1}}, "its a is a int"),
        ({"state_dict": {"a": torch.tensor([1.0, float("nan")])}}, "its a is not finite"),
        ({"optimizer_states": []}, "it holds no weights, or nothing of the optimiser"),
        ({"loops": "gone"}, "its loops is a str"),
        ({"epoch": 10**6}, "its epoch is 1000000, and its history has 2"),
        ({"history": [{"epoch": float("inf")}]}, "its history does not count epochs from 0"),
        ({"history": [{"epoch": 7.0}]}, "its history does not count epochs from 0"),
        (
            {"hyper_parameters": {"network": {}, "normalisation": {}}},
            (
                "the stored normalisation lacks amplitude_factor and lacks intensity_scale and "
                "lacks probe_factor and lacks nphotons and lacks mean_square and lacks energy_ratio"
            ),
        ),
    ],
)
def test_a_part_that_is_wrong_is_refused(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    """What a training would stumble over after it has begun is refused before, in one error."""
    path = tmp_path / "last.ckpt"
    torch.save(content_of() | change, path)
    with pytest.raises(ValueError, match="is not a checkpoint of a training") as caught:
        read_checkpoint(path)
    assert str(caught.value).splitlines()[0] == f"{path} is not a checkpoint of a training: {reason}"


PARTS = ["state_dict", "optimizer_states", "loops", "callbacks", "epoch", "global_step", "history"]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_missing_is_named(tmp_path: Path, part: str) -> None:
    """Every part that a training goes on from must be there."""
    path, content = tmp_path / "last.ckpt", content_of()
    del content[part]
    torch.save(content, path)
    with pytest.raises(ValueError, match=f"it lacks '{part}'"):
        read_checkpoint(path)


def test_packed_members_are_refused(tmp_path: Path) -> None:
    """Torch packs nothing: what a few bytes would unpack to is not asked for."""
    whole, packed = tmp_path / "whole.ckpt", tmp_path / "last.ckpt"
    torch.save(content_of(), whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with pytest.raises(ValueError, match="in it is packed, and torch packs nothing"):
        read_checkpoint(packed)


def test_a_network_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    """Weights of other shapes than the settings say are one error, which names the file."""
    path = tmp_path / "last.ckpt"
    content = torch.load(EARLIER, weights_only=True)
    name = next(iter(content["state_dict"]))
    del content["state_dict"][name]
    torch.save(content, path)
    with pytest.raises(ValueError, match=f"{path.name} is not a checkpoint of this library"):
        load_network(path)
