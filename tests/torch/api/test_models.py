"""A checkpoint gives back configurations and network, and never runs code."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ptycho_torch.api.base_api import ConfigManager, PtychoModel
from ptycho_torch.lightning_utils import find_best_checkpoint
from ptycho_torch.model import PtychoPINN_Lightning

from .conftest import Configure, Done


@pytest.fixture
def checkpoint(done: Done) -> Path:
    """The best checkpoint of the training."""
    found = find_best_checkpoint(done.run_dir)
    assert found is not None
    return found


def test_configurations_come_back(done: Done, checkpoint: Path) -> None:
    """What the client trained with stands in the checkpoint, field by field, in the order of the client."""
    data, model, training, inference = PtychoModel._extract_configs_from_checkpoint(str(checkpoint))
    assert replace(data, nphotons=done.manager.data_config.nphotons) == done.manager.data_config
    assert data.nphotons == 1e9  # The scan's metadata say so.
    assert model.mode == "Unsupervised"
    assert (model.architecture, model.n_filters_scale, model.cbam_encoder) == ("unet", 1, True)
    assert (training.epochs, training.batch_size, training.device) == (2, 16, "cpu")
    assert inference.patch_weighting == "probe"


def test_opened_network_is_the_trained_one(done: Done, checkpoint: Path) -> None:
    """Opened as the client opens it, the network has the best weights and fits its configurations."""
    data, model, training, inference = PtychoModel._extract_configs_from_checkpoint(checkpoint)
    opened = PtychoModel(
        model_config=model, data_config=data, training_config=training, inference_config=inference
    )
    opened.model = PtychoPINN_Lightning.load_from_checkpoint(
        checkpoint,
        model_config=model,
        data_config=data,
        training_config=training,
        inference_config=inference,
    )
    ConfigManager.from_loaded_model(opened).validate_arch_compatibility(opened)
    first, second = (each.network().state_dict() for each in (done.model, opened))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert opened.trained().normalisation == done.model.trained().normalisation
    assert not opened.network().training


def test_a_model_is_saved_and_opened_by_folder(done: Done, tmp_path: Path) -> None:
    """Older clients keep a network as a folder: saved from a run, it opens with the same weights."""
    kept = done.model.save(path=tmp_path / "model", source_run_path=done.run_dir, strategy="lightning")
    assert (kept / "wts.h5.zip").is_file()
    opened = PtychoModel._load(done.manager, "lightning", kept, PtychoPINN_Lightning)
    first, second = (each.network().state_dict() for each in (done.model, opened))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert opened.model_config.architecture == "unet"


def test_a_folder_without_checkpoint_is_refused(done: Done, tmp_path: Path) -> None:
    """The error names the folder and what it should hold; another strategy is refused, too."""
    with pytest.raises(FileNotFoundError) as caught:
        PtychoModel._load(done.manager, "lightning", tmp_path, PtychoPINN_Lightning)
    assert str(caught.value) == (
        f"{tmp_path} holds no checkpoint\n"
        "  expected  last.ckpt, or one of a best epoch\n"
        "  try       execution.enable_checkpointing = true"
    )
    with pytest.raises(ValueError, match="strategy 'mlflow' is not built here"):
        done.model.save(tmp_path, done.run_dir, "mlflow")


def test_losses_have_names(done: Done) -> None:
    """The module says how its losses are called in Lightning's metrics."""
    assert done.model.model is not None
    assert (done.model.model.loss_name, done.model.model.val_loss_name) == ("train_loss", "val_loss")
    assert isinstance(done.model.model, PtychoPINN_Lightning)


def test_new_model_has_no_network_yet(as_shipped: Configure) -> None:
    """Until a scan is there, asking for the network says what is missing."""
    model = PtychoModel._new_model(model=PtychoPINN_Lightning, config_manager=as_shipped())
    with pytest.raises(ValueError, match="no network yet") as caught:
        model.network()
    assert str(caught.value) == (
        "this model has no network yet\n"
        "  expected  a model that was trained, or opened from a checkpoint\n"
        "  try       Trainer._from_lightning(...).train(), or PtychoPINN_Lightning.load_from_checkpoint"
    )


class Bomb:
    """What a hostile checkpoint might hold."""

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("ran"),))


def test_hostile_checkpoint_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pickle is refused with its reason and never opened."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "hostile.ckpt"
    torch.save({"state_dict": {}, "settings_toml": Bomb()}, path)
    with pytest.raises(ValueError, match="not a checkpoint") as caught:
        PtychoPINN_Lightning.load_from_checkpoint(path)
    assert str(caught.value) == (
        f"{path} is not a checkpoint of this library: it holds Python objects, which are never opened\n"
        "  expected  a file .ckpt that a training of ptychopinn wrote\n"
        "  try       training again with this version"
    )
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [pickle.dumps({"state_dict": {}}), b"", b"no checkpoint"])
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    """A file of another kind is told apart from a checkpoint of ours."""
    path = tmp_path / "other.ckpt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a checkpoint") as caught:
        PtychoModel._extract_configs_from_checkpoint(path)
    assert str(caught.value).startswith(f"{path} is not a checkpoint of this library: it is no archive\n")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"state_dict": {}}, "it keeps no settings_toml"),
        ({"settings_toml": 3}, "its settings are no text"),
        ({"settings_toml": "= 3"}, "Invalid statement (at line 1, column 1)"),
    ],
)
def test_checkpoints_of_others_are_refused(content: dict[str, object], reason: str, tmp_path: Path) -> None:
    """An archive of torch without the settings of a training is told apart, too."""
    path = tmp_path / "other.ckpt"
    torch.save(content, path)
    with pytest.raises(ValueError, match="not a checkpoint") as caught:
        PtychoModel._extract_configs_from_checkpoint(path)
    assert str(caught.value).startswith(f"{path} is not a checkpoint of this library: {reason}\n")


def test_damaged_checkpoint_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    """Half of a checkpoint is no checkpoint."""
    path = tmp_path / "half.ckpt"
    path.write_bytes(checkpoint.read_bytes()[:-20000])
    with pytest.raises(ValueError, match="not a checkpoint of this library: it is no archive"):
        PtychoModel._extract_configs_from_checkpoint(path)


def test_missing_checkpoint_is_named(tmp_path: Path) -> None:
    """The error names the path."""
    with pytest.raises(FileNotFoundError) as caught:
        PtychoModel._extract_configs_from_checkpoint(tmp_path / "gone.ckpt")
    assert str(caught.value) == (
        f"there is no checkpoint at {tmp_path / 'gone.ckpt'}\n"
        "  expected  a file .ckpt that a training of ptychopinn wrote\n"
        "  try       the model of another training"
    )
