"""The checkpoint to keep is the best, else the last, else none."""

from pathlib import Path

import pytest
import torch

from ptycho_torch.lightning_utils import find_best_checkpoint


def write_last(folder: Path, best: str) -> None:
    """Write a last checkpoint that knows the best one, which may have lain elsewhere."""
    state = {"BestCheckpoint": {"best_model_path": f"/elsewhere/{best}"}, "OrderlyEnd": {}}
    torch.save({"callbacks": state, "settings_toml": ""}, folder / "last.ckpt")


def test_empty_folder_has_none(tmp_path: Path) -> None:
    """Without a checkpoint there is nothing to find."""
    assert find_best_checkpoint(tmp_path) is None


def test_last_stands_in(tmp_path: Path) -> None:
    """Where no best one was kept, the last one is taken."""
    write_last(tmp_path, "")
    assert find_best_checkpoint(tmp_path) == tmp_path / "last.ckpt"


def test_only_best_is_best(tmp_path: Path) -> None:
    """One best checkpoint needs no second look."""
    (tmp_path / "last.ckpt").write_bytes(b"unread")
    (tmp_path / "best-epoch003.ckpt").touch()
    assert find_best_checkpoint(tmp_path) == tmp_path / "best-epoch003.ckpt"


def test_epochs_are_numbers(tmp_path: Path) -> None:
    """Epoch 1000 is later than 999, and a file of another kind is none of them."""
    for name in ("best-epoch999.ckpt", "best-epoch1000.ckpt", "best-epoch999-copy.ckpt"):
        (tmp_path / name).touch()
    assert find_best_checkpoint(tmp_path) == tmp_path / "best-epoch1000.ckpt"


@pytest.mark.parametrize("known", [True, False])
def test_last_knows_the_best_of_several(tmp_path: Path, known: bool) -> None:
    """Among several the one of the best score is taken; a name that is gone leaves the latest."""
    for number in (1, 2, 5):
        (tmp_path / f"best-epoch00{number}.ckpt").touch()
    write_last(tmp_path, "best-epoch002.ckpt" if known else "best-epoch009.ckpt")
    expected = "best-epoch002.ckpt" if known else "best-epoch005.ckpt"
    assert find_best_checkpoint(tmp_path) == tmp_path / expected
