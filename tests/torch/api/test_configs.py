"""A client's configurations become settings: theirs first, then the environment, then all defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ptycho import params
from ptycho_torch.api.base_api import ConfigManager
from ptycho_torch.config_params import DataConfig, ModelConfig, TrainingConfig
from ptyconf import ConfigError

from .conftest import DATA, INFERENCE, MODEL, TRAINING, Configure, Done


def prepared(manager: ConfigManager, folder: Path) -> Any:
    """Resolve a training."""
    return manager.prepare_training(folder / "train_data.npz", None, folder / "run").resolution


def test_what_the_client_ships_is_accepted(as_shipped: Configure, client_folder: Path) -> None:
    """Every default of ptychodus resolves, and means what it says."""
    settings = prepared(as_shipped(), client_folder)
    assert settings["model.cbam_encoder"] is True
    assert settings["model.gridsize"] == 2
    assert settings["model.amp_activation"] == "swish"
    assert settings["model.probe_mask"] is False
    assert settings["training.nepochs"] == 50
    assert settings["training.neighbor_count"] == 6
    assert settings["training.backend"] == "pytorch"
    assert settings["execution.strategy"] == "auto"
    assert settings["training.n_groups"] == 49
    assert params.is_sealed()
    assert params.get("nepochs") == 50


def test_size_of_the_client_holds(as_shipped: Configure, client_folder: Path) -> None:
    """A client always names its size, also where that is the default of the class."""
    settings = prepared(as_shipped(data={"N": 128}), client_folder)
    assert settings["model.N"] == 128
    assert prepared(as_shipped(), client_folder).winner_layer("model.N") == "overrides"


@pytest.mark.parametrize(
    ("section", "field", "value", "path"),
    [
        ("data", "probe_ramp_removal", True, "data.probe_ramp_removal"),
        ("data", "n_subsample", 3, "data.samples_per_point"),
        ("model", "eca_encoder", True, "model.eca_encoder"),
        ("model", "num_datasets", 2, "model.num_datasets"),
        ("model", "use_shared_decoder", True, "model.use_shared_decoder"),
        ("model", "amplitude_variance_loss", True, "model.amplitude_variance_loss"),
        ("training", "enable_staged_finetuning", True, "training.enable_staged_finetuning"),
    ],
)
def test_what_is_not_built_is_refused_by_name(
    section: str, field: str, value: Any, path: str, as_shipped: Configure, client_folder: Path
) -> None:
    """The error names the setting and the field of the client's class that it was written in."""
    with pytest.raises(ConfigError) as caught:
        prepared(as_shipped(**{section: {field: value}}), client_folder)
    told = str(caught.value)
    assert told.startswith(f"'{path}' is {value!r}, which asks for what is not built here: ")
    assert f"\n  written in  {section.capitalize()}Config.{field}\n" in told


@pytest.mark.parametrize(
    ("section", "field", "value", "path"),
    [
        ("training", "finetune_stage1_epochs", 9, "training.finetune_stage1_epochs"),
        ("training", "framework", "Default", "training.framework"),
        ("training", "notes", "third try", "training.notes"),
        ("model", "probe_reference_coeff", 0.5, "model.probe_reference_coeff"),
        ("inference", "window", 5, "inference.window"),
    ],
)
def test_labels_and_what_would_not_act_are_accepted(
    section: str, field: str, value: Any, path: str, as_shipped: Configure, client_folder: Path
) -> None:
    """A control of the client's window that cannot change the result does not end a run."""
    assert prepared(as_shipped(**{section: {field: value}}), client_folder)[path] == value


@pytest.mark.parametrize("name", ["Default", "Exponential", "Cosine"])
def test_every_schedule_of_the_client_is_known(name: str, as_shipped: Configure, client_folder: Path) -> None:
    """What its window offers as a learning rate schedule can be chosen."""
    changed = {"scheduler": name, "warmup_epochs": 2, "min_lr_ratio": 0.2}
    settings = prepared(as_shipped(training=changed), client_folder)
    assert settings["execution.scheduler"] == name
    assert settings["execution.warmup_epochs"] == 2
    assert settings["execution.min_lr_ratio"] == 0.2


def test_single_positions_are_a_grid_of_one(as_shipped: Configure, client_folder: Path) -> None:
    """A client asks for single positions by grid and channels; both must say so."""
    single = {"data": {"C": 1, "grid_size": (1, 1)}, "model": {"C_model": 1, "C_forward": 1}}
    single["model"]["decoder_last_amp_channels"] = 1
    settings = prepared(as_shipped(**single), client_folder)
    assert (settings["model.gridsize"], settings["data.C"], settings["model.C_model"]) == (1, 1, 1)
    with pytest.raises(ConfigError, match="decoder_last_amp_channels = 4, and a group has 1 patches"):
        prepared(as_shipped(data={"grid_size": (1, 1)}), client_folder)


def test_what_a_client_leaves_blank_is_open(as_shipped: Configure, client_folder: Path) -> None:
    """Size 0 leaves the size to the scan; blank folders and files mean none."""
    blank = {"training_directories": [""], "train_data_file": "", "test_data_file": "", "output_dir": ""}
    settings = prepared(as_shipped(data={"N": 0}, training=blank), client_folder)
    assert settings["model.N"] == 64
    assert settings["training.train_data_file"] == client_folder / "train_data.npz"
    assert settings["training.training_directories"] == []


def test_several_devices_keep_their_strategy(as_shipped: Configure, client_folder: Path) -> None:
    """A strategy is left open for one device only."""
    settings = prepared(as_shipped(training={"n_devices": 2}), client_folder)
    assert settings["execution.strategy"] == "ddp_spawn"
    assert settings["execution.devices"] == 2


def test_environment_says_what_the_client_cannot(
    as_shipped: Configure, client_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable sets what the client has no field for, and loses to a field that the client changed."""
    monkeypatch.setenv("PTYCHO__MODEL__ARCHITECTURE", "unet")
    monkeypatch.setenv("PTYCHO__TRAINING__NEPOCHS", "7")
    settings = prepared(as_shipped(training={"epochs": 3}), client_folder)
    assert settings["model.architecture"] == "unet"
    assert settings["training.nepochs"] == 3
    assert prepared(as_shipped(), client_folder)["training.nepochs"] == 7


def test_trained_settings_stand_below_the_environment(done: Done, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a reconstruction the checkpoint says what the network is; variables say how to go about it."""
    manager = ConfigManager.from_loaded_model(done.model)
    settings = manager.resolve_inference()
    assert settings["model.architecture"] == "unet"
    assert settings.winner_layer("model.architecture") == "bundle"
    assert settings.winner_layer("data.quantity") == "bundle"
    monkeypatch.setenv("PTYCHO__EXECUTION__MIDDLE_TRIM", "8")
    assert manager.resolve_inference()["execution.middle_trim"] == 8


def test_configurations_are_optional() -> None:
    """A manager without arguments holds the defaults of the classes."""
    manager = ConfigManager()
    assert manager.data_config == DataConfig()
    assert manager.model_config == ModelConfig()
    assert manager.training_config == TrainingConfig()


def test_another_network_is_refused(done: Done, as_shipped: Configure) -> None:
    """Configurations and network must be of one training; the error names what differs."""
    as_shipped(model={"architecture": "unet", "n_filters_scale": 1, "amp_activation": "sigmoid"})
    done.manager.validate_arch_compatibility(done.model)
    with pytest.raises(ValueError, match="is not the one") as caught:
        as_shipped().validate_arch_compatibility(done.model)
    assert str(caught.value) == (
        "the network is not the one that the configurations describe: "
        "architecture = 'cnn' (there 'unet'), n_filters_scale = 2 (there 1), "
        "amp_activation = 'swish' (there 'sigmoid')\n"
        "  expected  the configurations that the network was trained with\n"
        "  try       PtychoModel._extract_configs_from_checkpoint on the checkpoint of the network"
    )


def test_every_keyword_of_the_client_is_a_field() -> None:
    """The lists above are what the classes take."""
    assert len(DATA) == 18
    assert len(MODEL) == 33
    assert len(TRAINING) == 34
    assert len(INFERENCE) == 6
