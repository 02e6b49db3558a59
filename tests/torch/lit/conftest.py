"""A small scan, and payloads made by the real factory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ptycho.config.config import PyTorchExecutionConfig
from ptycho.raw_data import RawData
from ptycho.simulate.scan import Simulation, simulate
from ptycho_torch.config_factory import TrainingPayload, create_training_payload

torch.set_num_threads(1)

N_FRAMES = 40


@pytest.fixture(scope="session")
def scan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated scan of 40 frames of 64 x 64 pixels, as a file."""
    scan = simulate(Simulation(N=64, n_frames=N_FRAMES, step_px=6.0, seed=1))
    return scan.to_file(tmp_path_factory.mktemp("scan") / "scan.npz")


@pytest.fixture(scope="session")
def tiny_scan(scan_file: Path) -> RawData:
    """The scan of the file."""
    return RawData.from_file(scan_file)


@pytest.fixture(scope="session")
def payload(scan_file: Path) -> Callable[..., TrainingPayload]:
    """Make payloads of a small network: settings by keyword, execution settings as a mapping."""

    def make(execution: dict[str, Any] | None = None, **settings: Any) -> TrainingPayload:
        overrides = {
            "n_groups": N_FRAMES,
            "gridsize": 1,
            "architecture": "unet",
            "n_filters_scale": 1,
            "unet_stages": 1,
            "amp_activation": "sigmoid",
            "batch_size": 8,
            "nepochs": 1,
            "validation_fraction": 0.2,
        }
        return create_training_payload(
            scan_file,
            scan_file.parent / "run",
            overrides | settings,
            PyTorchExecutionConfig(accelerator="cpu", **execution or {}),
        )

    return make
