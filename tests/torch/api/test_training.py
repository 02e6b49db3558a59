"""A training through the doors is the training of the command line, with Lightning's trainer at hand."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer as LightningTrainer
from lightning.pytorch.callbacks import Callback

from ptycho.bundle.read import read_bundle
from ptycho.raw_data import RawData
from ptycho_torch.api.base_api import PtychoDataLoader, PtychoModel, Trainer
from ptycho_torch.backend import unpack
from ptycho_torch.lit.train import train
from ptycho_torch.model import PtychoPINN_Lightning

from .conftest import SMALL, Configure, Done


def open_trainer(manager: Any, folder: Path, out: Path) -> Trainer:
    """Set a training up as the client does."""
    loader = PtychoDataLoader(folder, manager, output_dir=out)
    model = PtychoModel._new_model(PtychoPINN_Lightning, manager)
    return Trainer._from_lightning(model, loader, "lightning", manager)


def test_run_folder_is_whole(done: Done) -> None:
    """Checkpoints, metrics and a bundle lie in the run's own folder."""
    names = {path.name for path in done.run_dir.iterdir()}
    assert {"last.ckpt", "metrics.csv", "wts.h5.zip"} <= names
    assert any(name.startswith("best-epoch") for name in names)


def test_bundle_holds_the_network(done: Done) -> None:
    """What `ptycho infer` would open is what the client trained."""
    held = unpack(read_bundle(done.run_dir / "wts.h5.zip")).network.state_dict()
    ours = done.model.network().state_dict()
    assert all(torch.equal(held[name], ours[name]) for name in ours)


def test_client_callbacks_hear_every_epoch(
    as_shipped: Configure, client_folder: Path, tmp_path: Path
) -> None:
    """A callback that joins Lightning's list finds both losses under the module's names."""
    trainer = open_trainer(as_shipped(**SMALL, training={"epochs": 2}), client_folder, tmp_path)
    heard: list[tuple[int, set[str]]] = []

    class Listener(Callback):
        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            names = {pl_module.loss_name, pl_module.val_loss_name}
            heard.append((trainer.current_epoch, names & set(trainer.callback_metrics)))

    assert isinstance(trainer._trainer, LightningTrainer)
    trainer._trainer.callbacks.append(Listener())
    trainer.train(orchestration="lightning", experiment_name="")
    assert heard == [(0, {"train_loss", "val_loss"}), (1, {"train_loss", "val_loss"})]


def test_doors_train_as_the_library_does(as_shipped: Configure, client_folder: Path, tmp_path: Path) -> None:
    """The same settings give the same weights bit for bit without the doors."""
    manager = as_shipped(**SMALL, training={"epochs": 2})
    first = open_trainer(manager, client_folder, tmp_path / "doors").train()
    scan = client_folder / "train_data.npz"
    payload = manager.prepare_training(scan, None, tmp_path / "direct")
    second = train(payload, RawData.from_file(scan), tmp_path / "direct")
    one, two = first.network.state_dict(), second.network.state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_spawned_devices_are_refused_in_words(
    as_shipped: Configure, client_folder: Path, tmp_path: Path
) -> None:
    """Several devices in spawned processes would leave history and weights there."""
    manager = as_shipped(**SMALL, training={"n_devices": 2})
    with pytest.raises(ValueError, match="ddp_spawn") as caught:
        open_trainer(manager, client_folder, tmp_path)
    assert str(caught.value) == (
        "execution.strategy = 'ddp_spawn' trains in processes that hand back no history and no best epoch\n"
        "  expected  auto, ddp, fsdp or another strategy of Lightning that stays in this process\n"
        '  try       execution.strategy = "ddp"'
    )


def test_other_orchestration_is_refused(done: Done) -> None:
    """The error names what there is."""
    with pytest.raises(ValueError, match="orchestration") as caught:
        done.trainer.train(orchestration="mlflow")
    assert str(caught.value) == (
        "orchestration 'mlflow' is not built here\n"
        "  expected  'lightning'\n"
        "  try       execution.logger_backend for a tracker of runs"
    )


def test_arrays_train_as_their_file_does(as_shipped: Configure, client_folder: Path, tmp_path: Path) -> None:
    """A scan from arrays is written into the run's folder, and trains to the weights of that file."""
    manager = as_shipped(**SMALL, training={"epochs": 1})
    scan = RawData.from_file(client_folder / "train_data.npz")
    arrays = (scan.diff3d, scan.probeGuess, scan.positions[:, ::-1])
    loader = PtychoDataLoader.from_np(*arrays, manager, output_dir=tmp_path / "out")
    model = PtychoModel._new_model(PtychoPINN_Lightning, manager)
    trained = Trainer._from_lightning(model, loader).train().network.state_dict()
    assert loader.output_dir is not None
    assert (loader.output_dir / "wts.h5.zip").is_file()
    written = loader.output_dir / "train_data.npz"
    np.testing.assert_array_equal(RawData.from_file(written).diff3d, scan.diff3d)
    again = tmp_path / "again"
    again.mkdir()
    shutil.copy(written, again)
    expected = open_trainer(manager, again, tmp_path / "file").train().network.state_dict()
    assert all(torch.equal(trained[name], expected[name]) for name in expected)
