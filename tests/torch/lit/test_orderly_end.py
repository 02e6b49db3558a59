"""A signal at any moment of a training leaves the checkpoint of a whole epoch."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch.callbacks import Callback

from ptycho.raw_data import RawData
from ptycho_torch.config_factory import TrainingPayload
from ptycho_torch.lit.train import open_loop, run_loop

pytestmark = pytest.mark.usefixtures("listening")

EPOCHS, STEPS = 3, 4
"""Of 40 frames 32 train, 8 in a batch."""

ALL_FILES = {"checkpoint_save_top_k": EPOCHS}


class Press(Callback):
    """Press Ctrl-C once, when a hook of Lightning is called for the n-th time.

    Args:
        hook: Its name.
        number: How often it was called before.
    """

    def __init__(self, hook: str, number: int) -> None:
        self._left = number
        setattr(self, hook, self._count)

    def _count(self, *_arguments: Any, **_named: Any) -> None:
        self._left -= 1
        if self._left == -1:
            signal.raise_signal(signal.SIGINT)


def weights(path: Path) -> dict[str, torch.Tensor]:
    """Read the weights of a checkpoint."""
    state: dict[str, torch.Tensor] = torch.load(path, weights_only=True)["state_dict"]
    return state


@pytest.fixture(scope="module")
def whole(
    payload: Callable[..., TrainingPayload], tiny_scan: RawData, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of a training that nothing disturbed, with a file of every epoch."""
    folder = tmp_path_factory.mktemp("whole")
    run_loop(open_loop(payload(ALL_FILES, nepochs=EPOCHS), tiny_scan, folder))
    return folder


@pytest.mark.parametrize(
    ("hook", "number", "epochs"),
    [
        ("on_train_start", 0, 0),
        ("on_train_epoch_start", 1, 1),
        ("on_train_batch_start", STEPS + 1, 1),
        ("on_before_zero_grad", STEPS + 1, 1),
        ("on_train_batch_end", STEPS, 1),
        ("on_train_batch_end", 2 * STEPS - 2, 1),
        ("on_train_batch_end", 2 * STEPS - 1, 2),
        ("on_validation_start", 1, 2),
        ("on_validation_end", 1, 2),
        ("on_train_epoch_end", 1, 2),
        ("on_save_checkpoint", 0, 1),
    ],
)
def test_no_epoch_that_was_cut_short_is_kept(
    hook: str,
    number: int,
    epochs: int,
    whole: Path,
    payload: Callable[..., TrainingPayload],
    tiny_scan: RawData,
    tmp_path: Path,
) -> None:
    """Whenever the signal comes, what is kept are the epochs of an undisturbed training, bit for bit."""
    loop = open_loop(payload(ALL_FILES, nepochs=EPOCHS), tiny_scan, tmp_path)
    loop.trainer.callbacks.append(Press(hook, number))  # type: ignore[attr-defined]
    assert run_loop(loop).interrupted
    names = {f"best-epoch{epoch:03d}.ckpt" for epoch in range(epochs)}
    assert {path.name for path in tmp_path.glob("best*")} == names
    for name in names:
        ours, theirs = weights(tmp_path / name), weights(whole / name)
        assert all(torch.equal(tensor, theirs[key]) for key, tensor in ours.items())
    last = tmp_path / "last.ckpt"
    assert last.is_file() == bool(epochs)
    if epochs:
        ours, theirs = weights(last), weights(whole / f"best-epoch{epochs - 1:03d}.ckpt")
        assert all(torch.equal(tensor, theirs[key]) for key, tensor in ours.items())
