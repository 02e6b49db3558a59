"""Plans of small trainings, for which no framework is needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ptycho.config.config import PyTorchExecutionConfig
from ptycho.run.resolve import resolve_run
from ptycho.run.settings import prepare_training
from ptycho.scan.raw_data import RawData
from ptycho.simulate.scan import Simulation, simulate
from ptycho.training.plan import Plan, make_plan, open_run_folder

N_FRAMES = 40
"""Frames of the small scan."""


@pytest.fixture(scope="session")
def scan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated scan of 40 frames of 64 x 64 pixels, as a file."""
    scan = simulate(Simulation(N=64, n_frames=N_FRAMES, step_px=6.0, seed=1))
    return scan.to_file(tmp_path_factory.mktemp("scan") / "scan.npz")


@pytest.fixture(scope="session")
def tiny_scan(scan_file: Path) -> RawData:
    """The scan of the file."""
    return RawData.from_file(scan_file)


@pytest.fixture
def plan_of(scan_file: Path, tiny_scan: RawData, tmp_path: Path, fresh_params: None) -> Callable[..., Plan]:
    """Make plans of a small network: settings by keyword, execution settings as a mapping.

    Without a library nothing can be retrieved.
    """

    def never(*_: object, **__: object) -> Any:
        pytest.fail("nothing is retrieved or read here")

    def make(
        scan: RawData | None = None,
        execution: dict[str, Any] | None = None,
        library: Any = never,
        **settings: Any,
    ) -> Plan:
        overrides = {
            "train_data_file": scan_file,
            "output_dir": tmp_path / "run",
            "n_groups": N_FRAMES,
            "gridsize": 1,
            "architecture": "unet",
            "n_filters_scale": 1,
            "unet_stages": 1,
            "batch_size": 8,
            "nepochs": 1,
            "validation_fraction": 0.2,
        }
        on_cpu = PyTorchExecutionConfig(**{"accelerator": "cpu"} | (execution or {}))
        resolution = resolve_run("train", overrides=overrides | settings, execution_config=on_cpu)
        configurations = prepare_training(resolution)
        folder = open_run_folder(configurations, tmp_path / "run", never)
        return make_plan(configurations, scan or tiny_scan, folder, library)

    return make
