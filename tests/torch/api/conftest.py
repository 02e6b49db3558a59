"""What ptychodus sends by default, a small scan in a client's folder, and a training through the doors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ptycho.simulate.scan import Simulation, simulate
from ptycho_torch.api.base_api import (
    ConfigManager,
    DataloaderFormats,
    PtychoDataLoader,
    PtychoModel,
    Trainer,
)
from ptycho_torch.config_params import (
    DataConfig,
    DatagenConfig,
    InferenceConfig,
    ModelConfig,
    TrainingConfig,
)
from ptycho_torch.model import PtychoPINN_Lightning

# Every keyword argument of ptychodus 1.7.0 with the value that it ships, as
# ptychodus/model/ptychopinn_torch/reconstructor.py spells them; N is 128 there.
DATA: dict[str, Any] = {
    "N": 64,
    "C": 4,
    "normalize": "Batch",
    "neighbor_function": "Nearest",
    "scan_pattern": "Isotropic",
    "probe_normalize": True,
    "x_bounds": (0.1, 0.9),
    "y_bounds": (0.1, 0.9),
    "min_neighbor_distance": 0.0,
    "max_neighbor_distance": 3.0,
    "K_quadrant": 30,
    "n_subsample": 7,
    "probe_scale": 4.0,
    "K": 6,
    "grid_size": (2, 2),
    "probe_ramp_removal": False,
    "data_scaling": "Parseval",
    "phase_subtraction": True,
}
MODEL: dict[str, Any] = {
    "mode": "Unsupervised",
    "object_big": True,
    "probe_big": True,
    "loss_function": "Poisson",
    "amp_activation": "silu",
    "cbam_encoder": True,
    "decoder_last_amp_channels": 4,
    "use_shared_decoder": False,
    "intensity_scale_trainable": False,
    "intensity_scale": 10000.0,
    "max_position_jitter": 10,
    "num_datasets": 1,
    "C_model": 4,
    "C_forward": 4,
    "amp_loss": None,
    "phase_loss": None,
    "amp_loss_coeff": 1.0,
    "phase_loss_coeff": 1.0,
    "n_filters_scale": 2,
    "probe_mask": None,
    "eca_decoder": False,
    "batch_norm": False,
    "edge_pad": 10,
    "decoder_last_c_outer_fraction": 0.125,
    "cbam_bottleneck": False,
    "cbam_decoder": False,
    "spatial_decoder": False,
    "decoder_spatial_kernel": 7,
    "eca_encoder": False,
    "offset": 6,
    "probe_reference_coeff": 0.0,
    "amplitude_variance_loss": False,
    "amplitude_variance_coeff": 0.01,
}
TRAINING: dict[str, Any] = {
    "epochs": 50,
    "batch_size": 16,
    "learning_rate": 1e-3,
    "n_devices": 1,
    "num_workers": 4,
    "accum_steps": 1,
    "epochs_fine_tune": 0,
    "fine_tune_gamma": 0.1,
    "gradient_clip_val": None,
    "nll": True,
    "device": "cuda",
    "strategy": "ddp_spawn",
    "framework": "Lightning",
    "orchestrator": "Lightning",
    "scheduler": "Default",
    "warmup_epochs": 0,
    "min_lr_ratio": 0.1,
    "notes": "",
    "model_name": "PtychoPINNv2",
    "enable_staged_finetuning": False,
    "finetune_stage1_epochs": 7,
    "finetune_stage2_epochs": 7,
    "finetune_stage3_epochs": 5,
    "finetune_stage1_lr_decoder": 0.1,
    "finetune_stage2_lr_encoder_top": 0.01,
    "finetune_stage2_lr_decoder": 0.05,
    "finetune_stage2_lr_phase_head": 0.1,
    "finetune_stage3_lr_encoder_bottom": 0.005,
    "finetune_stage3_lr_encoder_top": 0.01,
    "finetune_stage3_lr_decoder": 0.02,
    "finetune_stage3_lr_phase_head": 0.05,
    "finetune_skip_stage3": True,
    "finetune_early_stop_patience": 3,
    "finetune_val_split": 0.05,
}
INFERENCE: dict[str, Any] = {
    "batch_size": 1000,
    "middle_trim": 32,
    "experiment_number": 0,
    "patch_weighting": "probe",
    "pad_eval": True,
    "window": 20,
}
SMALL = {"model": {"architecture": "unet", "n_filters_scale": 1, "amp_activation": "sigmoid"}}
"""A network that trains in a second."""

Configure = Callable[..., ConfigManager]


def configure(**changes: dict[str, Any]) -> ConfigManager:
    """Make the client's configurations, changed section by section, on the CPU."""
    return ConfigManager(
        data_config=DataConfig(**DATA | changes.get("data", {})),
        model_config=ModelConfig(**MODEL | changes.get("model", {})),
        training_config=TrainingConfig(**TRAINING | {"device": "cpu"} | changes.get("training", {})),
        inference_config=InferenceConfig(**INFERENCE | changes.get("inference", {})),
        datagen_config=DatagenConfig(),
    )


@pytest.fixture(scope="session")
def as_shipped() -> Configure:
    """The client's configurations."""
    return configure


@pytest.fixture(autouse=True)
def no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reconstruct on the CPU, and refine nothing, so that tests see the network."""
    monkeypatch.setenv("PTYCHO__EXECUTION__ACCELERATOR", "cpu")
    monkeypatch.setenv("PTYCHO__INFERENCE__REFINE_EPOCHS", "0")


@pytest.fixture(scope="session")
def client_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scan of 49 frames to train on, as a client exports it."""
    folder = tmp_path_factory.mktemp("client")
    simulate(Simulation(N=64, n_frames=49, step_px=5.0, seed=3)).to_file(folder / "train_data.npz")
    return folder


@dataclass
class Done:
    """A training through the doors."""

    manager: ConfigManager
    model: PtychoModel
    trainer: Trainer
    run_dir: Path


@pytest.fixture(scope="session")
def done(client_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Train two epochs as the client does."""
    manager = configure(**SMALL, training={"epochs": 2})
    loader = PtychoDataLoader(
        data_dir=client_folder,
        config_manager=manager,
        data_format=DataloaderFormats("lightning_only_module"),
        output_dir=tmp_path_factory.mktemp("trained"),
    )
    model = PtychoModel._new_model(model=PtychoPINN_Lightning, config_manager=manager)
    trainer = Trainer._from_lightning(
        model=model, dataloader=loader, orchestration="lightning", config_manager=manager
    )
    trainer.train(orchestration="lightning", experiment_name="")
    assert loader.output_dir is not None
    return Done(manager, model, trainer, loader.output_dir)
