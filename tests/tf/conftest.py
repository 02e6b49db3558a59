"""TensorFlow on one CPU thread, and the small probes, networks and scans that its tests share."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # Before TensorFlow looks for devices.

import ptycho.tf  # noqa: F401  Keras has to be told its backend before anything imports it.

# ruff: isort: split
import tensorflow as tf

from ptycho.config.config import PyTorchExecutionConfig
from ptycho.network.settings import NetworkSettings
from ptycho.physics import fourier
from ptycho.physics.sweeps import canvas_of
from ptycho.raw_data import RawData
from ptycho.run.resolve import resolve_run
from ptycho.run.settings import TrainingSettings, prepare_training
from ptycho.simulate.scan import Simulation, simulate
from ptycho.tf import iteration
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


@dataclass
class Scanned:
    """A simulated scan with exact amplitudes: its frames, positions, object and probe."""

    X: np.ndarray
    positions: np.ndarray
    truth: np.ndarray
    probe: np.ndarray
    origin: tuple[int, int]

    def frames(self, indices: np.ndarray) -> np.ndarray:
        """Give amplitudes by index."""
        return self.X[indices]


@pytest.fixture
def scanned() -> Callable[..., Scanned]:
    """Simulate 49 frames of a smooth object at positions between pixels, without noise."""

    def make(seed: int = 0, modes: int = 1, n: int = 32) -> Scanned:
        rng = np.random.default_rng(seed)
        positions = 4.0 * np.stack(np.meshgrid(np.arange(7), np.arange(7)), -1).reshape(-1, 2)
        positions += rng.uniform(-1.4, 1.4, positions.shape) + n
        origin, shape = canvas_of(positions, n)
        smooth = ndimage.gaussian_filter(rng.standard_normal((2, *shape)), (0, 2.5, 2.5))
        smooth /= np.abs(smooth).max(axis=(1, 2), keepdims=True)
        truth = ((0.7 + 0.25 * smooth[0]) * np.exp(1j * smooth[1])).astype(np.complex64)
        probe = round_probe(n, modes)
        whole = np.rint(positions - n // 2 - origin).astype(int)
        rest = (positions - n // 2 - origin - whole).astype(np.float32)
        patches = np.stack([truth[y : y + n, x : x + n] for x, y in whole])
        moved = iteration.shift(tf.constant(probe)[None], tf.constant(rest)).numpy()
        X = np.linalg.norm(fourier.propagate(patches[:, None] * moved), axis=1).astype(np.float32)
        return Scanned(X, positions, truth, probe, origin)

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
