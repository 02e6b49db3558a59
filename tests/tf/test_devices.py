"""On which devices a training runs, and how they share it."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from ptycho.config.config import PyTorchExecutionConfig
from ptycho.raw_data import RawData
from ptycho.tf import devices
from ptycho.tf.checkpoints import Checkpoint, read_checkpoint
from ptycho.tf.train import train
from ptycho.training.resume import LAST_CHECKPOINT

KNOWN = (
    "auto, or for data-parallel devices ddp, ddp_find_unused_parameters_true, "
    "ddp_find_unused_parameters_false, dp, mirrored"
)
SHARED: dict[str, Any] = {"validation_fraction": 0.1, "nepochs": 2, "torch_loss_mode": "mae"}
"""Of 36 frames 32 train, which halves without a rest; mean errors of half batches average to that of all."""

BOUNDED = {"gradient_clip_val": 0.05}
"""A bound that holds for the gradient of the whole batch, not for that of each device."""

SCRIPT = """
import json, sys
from pathlib import Path
from ptycho.tf.start import start
start()
from ptycho.config.config import PyTorchExecutionConfig
from ptycho.run.settings import prepare_training
from ptycho.run.resolve import resolve_run
from ptycho.raw_data import RawData
from ptycho.tf.devices import find_place
from ptycho.tf.train import train

folder, overrides = Path(sys.argv[1]), json.loads(sys.argv[2])
scan = RawData.from_file(overrides["training.train_data_file"])
trained = train(prepare_training(resolve_run("train", overrides=overrides)), scan, folder)
one = find_place(PyTorchExecutionConfig(accelerator="cpu"))
print(json.dumps([*trained.decisions, *one.devices]))
"""


def place(**settings: Any) -> devices.DevicePlacement:
    """Find the place of a training on the CPU."""
    return devices.find_place(PyTorchExecutionConfig(**{"accelerator": "cpu"} | settings))


def test_one_device_needs_no_strategy() -> None:
    """On one CPU TensorFlow's default strategy computes, and nothing is said."""
    found = place()
    assert found == devices.DevicePlacement(tf.distribute.get_strategy(), ("/CPU:0",))
    assert (found.replicas, found.name, found.note) == (1, "cpu", None)


@pytest.mark.parametrize("name", devices.DATA_PARALLEL)
def test_names_of_data_parallel_training_are_known(name: str) -> None:
    """Torch's names and TensorFlow's own mean the same; one device shares with nobody."""
    assert place(strategy=name).replicas == 1


def test_unknown_strategy_is_refused() -> None:
    """The error lists the names that mean something here."""
    with pytest.raises(ValueError, match="fsdp") as caught:
        place(strategy="fsdp")
    assert str(caught.value) == (
        "execution.strategy = 'fsdp' has no counterpart in TensorFlow\n"
        f"  expected  {KNOWN}\n"
        '  try       execution.strategy = "auto", or training.backend = "pytorch"'
    )


@pytest.mark.parametrize("name", ["ddp_spawn", "ddp_fork", "ddp_notebook"])
def test_detached_strategies_are_refused(name: str) -> None:
    """Processes that hand nothing back cannot give the best weights."""
    with pytest.raises(ValueError, match=name) as caught:
        place(strategy=name)
    assert str(caught.value) == (
        f"execution.strategy = '{name}' trains in processes that hand back no history and no best epoch\n"
        f"  expected  {KNOWN}\n"
        '  try       execution.strategy = "ddp"'
    )


@pytest.mark.parametrize("find", [devices.find_place, devices.device_of])
@pytest.mark.parametrize("accelerator", ["cuda", "gpu"])
def test_absent_device_says_what_was_given(find: Callable[..., Any], accelerator: str) -> None:
    """A device that is not there is one clear error, for trainings and for reconstructions."""
    with pytest.raises(ValueError, match="no training can run") as caught:
        find(PyTorchExecutionConfig(accelerator=accelerator))
    assert str(caught.value) == (
        f"no training can run with these execution settings: TensorFlow finds no {accelerator} device\n"
        f"  given     accelerator = '{accelerator}', devices = 1, strategy = 'auto', precision = '32-true'\n"
        "  expected  a device that this machine has and a strategy that it supports\n"
        '  try       execution.accelerator = "cpu", devices = 1, strategy = "auto"'
    )


def test_more_devices_than_there_are_is_an_error() -> None:
    """A TensorFlow that has started cannot divide the CPU any more, and says how many it has."""
    tf.constant(1.0) + 1.0
    with pytest.raises(ValueError, match="no training can run") as caught:
        place(devices=2, strategy="ddp")
    assert str(caught.value) == (
        "no training can run with these execution settings: TensorFlow finds 1 cpu device\n"
        "  given     accelerator = 'cpu', devices = 2, strategy = 'ddp', precision = '32-true'\n"
        "  expected  a device that this machine has and a strategy that it supports\n"
        '  try       execution.accelerator = "cpu", devices = 1, strategy = "auto"'
    )


def test_every_device_is_taken_when_asked() -> None:
    """'auto' takes all devices of the kind: here the one CPU."""
    assert place(devices="auto").devices == ("/CPU:0",)


def test_reconstruction_takes_the_first_device() -> None:
    """A single process works on the first device of its kind."""
    assert devices.device_of(PyTorchExecutionConfig(accelerator="cpu", devices=4)) == "/CPU:0"


@pytest.mark.parametrize(
    ("device", "name"), [("/CPU:0", "cpu"), ("CPU:0", "cpu"), ("/GPU:0", "cuda:0"), ("/GPU:11", "cuda:11")]
)
def test_devices_are_named_as_in_the_settings(device: str, name: str) -> None:
    """TensorFlow's names become those that torch and the settings use."""
    assert devices.short_name(device) == name


def test_auto_leaves_the_cluster_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that others started for something else trains alone, unless a strategy is named."""
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"worker": ["a:1", "b:1"]}}))
    assert place().replicas == 1


@pytest.fixture(scope="module")
def alone(
    prepared: Callable[..., Any], tiny_scan: RawData, tmp_path_factory: pytest.TempPathFactory
) -> Checkpoint:
    """What one device learns with a batch of 8."""
    folder = tmp_path_factory.mktemp("alone")
    train(prepared(BOUNDED, batch_size=8, **SHARED), tiny_scan, folder)
    return read_checkpoint(folder).content


def overrides_of(prepared: Callable[..., Any], **execution: Any) -> str:
    """Give the settings of a training with a batch of 4 as JSON: all that differ from the defaults."""
    resolution = prepared(BOUNDED | {"threads": 1} | execution, batch_size=4, **SHARED).resolution
    names = [path for path in resolution if not resolution.winner_layer(path).endswith("-defaults")]
    return json.dumps({path: resolution[path] for path in names}, default=str)


def run_together(folder: Path, overrides: str, *configs: str) -> list[list[str]]:
    """Train in a process for each TF_CONFIG, all at once; give decisions and the place of one device."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(folder), overrides],
            env=os.environ | {"TF_CONFIG": config},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for config in configs
    ]
    try:
        told = [process.communicate(timeout=120) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert [process.returncode for process in processes] == [0] * len(configs), told
    return [json.loads(out) for out, _ in told]


def assert_learned_alike(folder: Path, alone: Checkpoint) -> None:
    """Compare losses, weights, and what Adam remembers."""
    found = read_checkpoint(folder).content
    for row, expected in zip(found.history, alone.history, strict=True):
        for name in ("train_loss", "val_loss"):
            assert row[name] == pytest.approx(expected[name], rel=1e-5)
    for name, array in alone.network.items():
        assert np.abs(found.network[name] - array.astype(np.complex64)).max() < 1e-5
    assert found.optimiser["steps"] == alone.optimiser["steps"] == 8
    for name, array in alone.optimiser.items():
        assert np.linalg.norm(found.optimiser[name] - array) <= 1e-3 * np.linalg.norm(array)


@pytest.mark.slow
def test_devices_train_together(prepared: Callable[..., Any], alone: Checkpoint, tmp_path: Path) -> None:
    """Two devices with a batch of 4 each learn what one learns with a batch of 8, bounds included."""
    [decisions] = run_together(tmp_path, overrides_of(prepared, devices=2, strategy="mirrored"), "{}")
    assert "2 devices share each step, with a batch each (MirroredStrategy)" in decisions
    assert [told for told in decisions if told.startswith("/")] == ["/CPU:0"]  # And not the other one.
    assert_learned_alike(tmp_path, alone)


@pytest.mark.slow
def test_workers_train_together(prepared: Callable[..., Any], alone: Checkpoint, tmp_path: Path) -> None:
    """Two processes with a batch of 4 each learn what one learns with a batch of 8."""
    told = run_together(tmp_path, overrides_of(prepared, strategy="ddp"), *cluster_configs(2))
    assert all("2 workers with 2 devices share each step (TF_CONFIG)" in decisions for decisions in told)
    assert_learned_alike(tmp_path, alone)
    assert (tmp_path / LAST_CHECKPOINT).is_file()


def cluster_configs(count: int) -> list[str]:
    """Give each worker of a cluster on this machine its TF_CONFIG."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
    addresses = [f"localhost:{held.getsockname()[1]}" for held in sockets]
    for held in sockets:
        held.close()
    tasks = [{"type": "worker", "index": index} for index in range(count)]
    return [json.dumps({"cluster": {"worker": addresses}, "task": task}) for task in tasks]
