"""The laws that every backend keeps: one list, run once with `--backend pytorch`, once with `tensorflow`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from ptycho.backends.base import load_backend
from ptycho.commands.main import main
from ptycho.config.config import PyTorchExecutionConfig
from ptycho.run.resolve import resolve_run
from ptycho.run.settings import prepare_training
from ptycho.scan.raw_data import RawData
from ptycho.training.plan import WatchedFolder

SETTINGS = """\
[model]
architecture = "unet"
gridsize = 1
n_filters_scale = 1
unet_stages = 1
amp_activation = "sigmoid"

[training]
backend = "{backend}"
train_data_file = "train.npz"
output_dir = "run"
n_groups = 36
nepochs = 2
batch_size = 8
torch_loss_mode = "mae"

[inference]
refine_epochs = 20

[execution]
accelerator = "cpu"
"""
"""So many sweeps explain the frames: fewer leave a doubtful picture, and the search of causes that follows
takes more than all sweeps, .7 of 2.4 processor seconds of this training with torch, 1.3 of 3.1 of an
inference with TensorFlow."""
sys.path.insert(0, str(Path(__file__).parent))  # Where `side` finds its module by name.

SMALL = {
    "n_groups": 36,
    "gridsize": 1,
    "architecture": "unet",
    "n_filters_scale": 1,
    "unet_stages": 1,
    "amp_activation": "sigmoid",
    "batch_size": 8,
    "nepochs": 1,
    "validation_fraction": 0.2,
}
"""Of 36 frames 29 train, in 4 steps an epoch, and 7 judge."""
FRAMEWORKS = {"pytorch": {"torch", "lightning"}, "tensorflow": {"tensorflow", "keras"}}

for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(name, "1")


@pytest.fixture(autouse=True)
def _fresh(fresh_params: None) -> None:
    """Every test here works with the legacy dict."""


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest) -> str:
    """Name the backend of this run."""
    return str(request.config.getoption("--backend"))


@pytest.fixture(scope="session")
def other(backend: str) -> str:
    """Name the backend that this process must never import."""
    return next(name for name in FRAMEWORKS if name != backend)


@pytest.fixture(scope="session")
def foreign_packages(other: str) -> set[str]:
    """Name the packages that this process must never import."""
    return FRAMEWORKS[other]


@pytest.fixture(scope="session")
def side(backend: str) -> ModuleType:
    """Give the module that talks to the backend's library."""
    return import_module(f"arrays_{backend}")


@pytest.fixture
def rng() -> np.random.Generator:
    """The one source of randomness of a test."""
    return np.random.default_rng(7)


def round_probe(n: int, modes: int = 1) -> np.ndarray:
    """Give a curved Gaussian beam and weak tilted copies, on the network's scale (energy 2 (N/2)²)."""
    axis = np.arange(n) - n // 2
    x, y = np.meshgrid(axis, axis)
    beam = np.exp(-(x**2 + y**2) / (2 * (n / 8) ** 2) + 0.5j * (x**2 + y**2) / (n / 8) ** 2)
    probe = np.array([beam * (1 if k == 0 else 0.7 * (x, y)[k % 2] / (n / 8)) for k in range(modes)])
    return (probe * np.sqrt(2 * (n / 2) ** 2 / np.sum(np.abs(probe) ** 2))).astype(np.complex64)


@pytest.fixture
def make_network(side: ModuleType) -> Callable[..., Any]:
    """Build a network of given settings with the round probe."""
    from ptycho.network.settings import NetworkSettings

    def make(dtype: str = "float32", **values: Any) -> Any:
        settings = NetworkSettings(**({"n_filters_scale": 1} | values))
        return side.build(settings, round_probe(settings.N, settings.probe_modes), 988.2118, dtype)

    return make


@pytest.fixture(scope="session")
def build_network(backend: str) -> Callable[..., Any]:
    """Give the network class of the backend."""
    if backend == "pytorch":
        from ptycho_torch.nn.model import PtychoNetwork
    else:
        from ptycho.tf.model import PtychoNetwork
    return PtychoNetwork


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, backend: str) -> Path:
    """A folder with settings, two simulated scans, and the run folder of a short training."""
    folder = tmp_path_factory.mktemp("job")
    for number, name in enumerate(("train.npz", "other.npz")):
        seeds = ["--seed", str(number), "--object-seed", str(number)]
        assert main(["simulate", str(folder / name), "--n-frames", "36", "--quiet", *seeds]) == 0
    (folder / "run.toml").write_text(SETTINGS.format(backend=backend))
    assert main(["train", str(folder / "run.toml"), "--quiet"]) == 0
    return folder


@pytest.fixture
def job(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, which a test may spoil, as the working directory."""
    folder = tmp_path / "job"
    shutil.copytree(trained, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def train_small(trained: Path, backend: str) -> Callable[..., Any]:
    """Train a small network through the backend's door, into the folder that comes first.

    Execution settings are given as a mapping, all others by keyword; `written` says whether there are files.
    """
    door, scan_file = load_backend(backend), trained / "train.npz"
    scan = RawData.from_file(scan_file)

    def train(
        folder: Path,
        execution: dict[str, Any] | None = None,
        watchers: Sequence[Any] = (),
        written: bool = True,
        **settings: Any,
    ) -> Any:
        chosen = {"train_data_file": scan_file, "output_dir": folder, "backend": backend, **SMALL, **settings}
        on_cpu = PyTorchExecutionConfig(**{"accelerator": "cpu"} | (execution or {}))
        resolution = resolve_run("train", overrides=chosen, execution_config=on_cpu)
        place = WatchedFolder(folder, watchers, written)
        return door.train(prepare_training(resolution, backend), scan, place)

    return train


@pytest.fixture(scope="session")
def weights_of(backend: str) -> Callable[[Any], dict[str, np.ndarray]]:
    """Give the weights that a training hands back, under canonical names."""
    door = load_backend(backend)
    return lambda result: door.pack(result.model, result.resolution, Path()).weights
