"""TensorFlow on one CPU thread, and the small probes, networks and scans that its tests share."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # Before TensorFlow looks for devices.

import ptycho.tf  # noqa: F401  Keras has to be told its backend before anything imports it.

# ruff: isort: split
import tensorflow as tf

from ptycho.config.config import PyTorchExecutionConfig
from ptycho.network.settings import NetworkSettings
from ptycho.raw_data import RawData
from ptycho.run.resolve import resolve_run
from ptycho.run.settings import TrainingSettings, prepare_training
from ptycho.simulate.scan import Simulation, simulate
from ptycho.tf.model import PtychoNetwork

N_FRAMES = 36
"""Frames of the small scan."""

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)


def round_probe(n: int, modes: int = 1) -> np.ndarray:
    """Return a curved Gaussian beam and weak tilted copies, on the network's scale (energy 2 (N/2)²)."""
    axis = np.arange(n) - n // 2
    x, y = np.meshgrid(axis, axis)
    beam = np.exp(-(x**2 + y**2) / (2 * (n / 8) ** 2) + 0.5j * (x**2 + y**2) / (n / 8) ** 2)
    stack = [beam * (1 if k == 0 else 0.7 * (x, y)[k % 2] / (n / 8)) for k in range(modes)]
    probe = np.array(stack)
    return (probe * np.sqrt(2 * (n / 2) ** 2 / np.sum(np.abs(probe) ** 2))).astype(np.complex64)


@pytest.fixture
def rng() -> np.random.Generator:
    """The one source of randomness of a test."""
    return np.random.default_rng(7)


@pytest.fixture
def make_network() -> Callable[..., PtychoNetwork]:
    """Build a network of given settings with the round probe."""

    def make(dtype: str = "float32", **values: object) -> PtychoNetwork:
        settings = NetworkSettings(**({"n_filters_scale": 1} | values))  # type: ignore[arg-type]
        probe = round_probe(settings.N, settings.probe_modes)
        return PtychoNetwork(settings, probe, 988.2118, dtype=dtype)

    return make


@pytest.fixture(autouse=True)
def _fresh(fresh_params: None) -> None:
    """Preparing a training writes the legacy dict; every test here leaves it as it was."""


@pytest.fixture(scope="session")
def scan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated scan of 36 frames of 64 x 64 pixels, as a file."""
    scan = simulate(Simulation(N=64, n_frames=N_FRAMES, step_px=6.0, seed=1))
    return scan.to_file(tmp_path_factory.mktemp("scan") / "scan.npz")


@pytest.fixture(scope="session")
def tiny_scan(scan_file: Path) -> RawData:
    """The scan of the file."""
    return RawData.from_file(scan_file)


@pytest.fixture(scope="session")
def prepared(scan_file: Path) -> Callable[..., TrainingSettings]:
    """Prepare trainings of a small network: execution settings as a mapping, all others by keyword."""

    def make(execution: dict[str, Any] | None = None, **settings: Any) -> TrainingSettings:
        overrides = {
            "train_data_file": scan_file,
            "output_dir": scan_file.parent / "run",
            "backend": "tensorflow",
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
        on_cpu = PyTorchExecutionConfig(**{"accelerator": "cpu"} | (execution or {}))
        return prepare_training(resolve_run("train", overrides=overrides | settings, execution_config=on_cpu))

    return make
