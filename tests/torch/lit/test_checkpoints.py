"""Continue an earlier training."""

from pathlib import Path

import pytest
import torch

from ptycho_torch.lit.checkpoints import read_checkpoint


def checkpoint(path: Path, epochs: int = 2) -> Path:
    """Write what a checkpoint says of itself."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(
        {
            "history": [{"epoch": float(epoch), "train_loss": 1.0} for epoch in range(epochs)],
            "hyper_parameters": {"network": {"N": 64, "gridsize": 1}},
        },
        path,
    )
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
