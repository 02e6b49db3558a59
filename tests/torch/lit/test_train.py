"""Trainings of seconds, whole."""

import dataclasses
import json
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import Callback

from ptycho.raw_data import RawData
from ptycho.training.result import TrainingResult
from ptycho_torch.config_factory import TrainingPayload
from ptycho_torch.lit.checkpoints import load_network
from ptycho_torch.lit.module import PtychoModule
from ptycho_torch.lit.train import open_loop, run_loop, train
from ptycho_torch.nn.weights import export

Make = Callable[..., TrainingPayload]

N_FRAMES = 40
"""Frames of the small scan."""


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint."""
    return torch.load(path, weights_only=True)


def equal_weights(first: Path, second: Path) -> bool:
    """Compare two checkpoints bit for bit."""
    one, two = load(first)["state_dict"], load(second)["state_dict"]
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the training that `done` made."""
    return tmp_path_factory.mktemp("done")


@pytest.fixture(scope="module")
def done(run: Path, payload: Make, tiny_scan: RawData) -> TrainingResult:
    """A training of two epochs with everything that can be learned."""
    settings = {"probe_trainable": True, "intensity_scale_trainable": True, "probe_modes": 2}
    return train(payload(nepochs=2, mae_weight=0.5, **settings), tiny_scan, run)


def test_checkpoint_opens_without_arguments(done: TrainingResult, run: Path) -> None:
    """No code runs, no argument is needed, and the network is the one that was trained."""
    assert done.best_checkpoint is not None
    again = export(load_network(done.best_checkpoint))
    trained = export(done.network)
    assert all(np.array_equal(again[name], trained[name]) for name in trained)
    module = PtychoModule.load_from_checkpoint(run / "last.ckpt", weights_only=True)
    assert module.normalisation == done.normalisation
    hyperparameters = load(run / "last.ckpt")["hyper_parameters"]
    assert json.loads(json.dumps(hyperparameters)) == hyperparameters


def test_checkpoint_keeps_the_settings(payload: Make, run: Path, done: TrainingResult) -> None:
    """The text in a checkpoint resolves to the settings of the training."""
    text = load(run / "last.ckpt")["settings_toml"]
    settings = tomllib.loads(text)
    assert settings["training"]["nepochs"] == 2
    assert settings["model"]["probe_modes"] == 2
    assert settings["execution"]["accelerator"] == "cpu"


def test_loop_takes_callbacks_before_it_runs(payload: Make, tiny_scan: RawData, tmp_path: Path) -> None:
    """A caller's callback sees the losses of every epoch; the weights are those of `train`."""
    heard = []

    class Listener(Callback):
        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            heard.append(float(trainer.callback_metrics["train_loss"]))

    loop = open_loop(payload(nepochs=2), tiny_scan, tmp_path / "loop")
    loop.trainer.callbacks.append(Listener())
    trained = run_loop(loop)
    train(payload(nepochs=2), tiny_scan, tmp_path / "at_once")
    assert heard == [row["train_loss"] for row in trained.history]
    assert equal_weights(tmp_path / "loop" / "last.ckpt", tmp_path / "at_once" / "last.ckpt")


def test_training_leaves_the_process_as_it_was(payload: Make, tiny_scan: RawData, tmp_path: Path) -> None:
    """Threads, determinism, random state and the handler of Ctrl-C are the caller's again."""
    torch.set_num_threads(2)
    torch.manual_seed(3)
    state, handler = torch.get_rng_state(), signal.getsignal(signal.SIGINT)
    train(payload(), tiny_scan, tmp_path)
    assert torch.get_num_threads() == 2
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.are_deterministic_algorithms_enabled()
    assert signal.getsignal(signal.SIGINT) is handler
    torch.set_num_threads(1)


def test_best_weights_are_those_of_the_best_epoch(payload: Make, tiny_scan: RawData, tmp_path: Path) -> None:
    """What is handed back is the epoch with the lowest monitored loss, not the last one."""
    execution = {"learning_rate": 0.3, "checkpoint_save_top_k": 0}
    trained = train(payload(execution, nepochs=4), tiny_scan, tmp_path)
    losses = [row["val_loss"] for row in trained.history]
    assert trained.best_epoch == int(np.argmin(losses))
    assert trained.best_checkpoint is None
    assert any(
        note.startswith(f"the weights are those of epoch {trained.best_epoch + 1} (val_loss")
        for note in trained.decisions
    )
    best = load(tmp_path / "last.ckpt")["callbacks"]["BestWeights"]["weights"]
    mine = {f"network.{name}": value for name, value in trained.network.state_dict().items()}
    assert all(torch.equal(best[name], value) for name, value in mine.items())


def test_probe_is_retrieved_from_training_frames(payload: Make, tiny_scan: RawData, tmp_path: Path) -> None:
    """Sweeps before the training bring a wrong probe nearer to the true one, without a held-out frame."""
    true = np.asarray(tiny_scan.probe_modes)
    wave = np.fft.fft2(true[0])
    across = np.fft.fftfreq(64)
    wrong = np.fft.ifft2(wave * np.exp(60j * (across**2 + across[:, None] ** 2)))
    scan = RawData(
        tiny_scan.xcoords,
        tiny_scan.ycoords,
        None,
        None,
        tiny_scan.diff3d,
        wrong.astype(np.complex64),
        None,
        options=dataclasses.replace(
            tiny_scan.options, quantity="counts", centre="middle", position_origin="centre"
        ),
    )
    cold = train(payload(), scan, tmp_path / "cold")
    warm = train(payload(probe_warmup_epochs=15), scan, tmp_path / "warm")
    likeness = [
        abs(np.vdot(found.probe, true)) / np.linalg.norm(found.probe) / np.linalg.norm(true)
        for found in (cold, warm)
    ]
    assert 1 - likeness[1] < 0.8 * (1 - likeness[0])
    [note] = [note for note in warm.decisions if note.startswith("the probe was retrieved")]
    assert note.startswith("the probe was retrieved from 32 training frames in 15 sweeps (")


def test_training_is_silent_without_a_bar(
    payload: Make, tiny_scan: RawData, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing appears on the console: no tips, no tables, no device notices."""
    train(payload(), tiny_scan, tmp_path)
    assert capfd.readouterr() == ("", "")


SCRIPT = """
import sys
import tomllib
from ptycho.config.config import PyTorchExecutionConfig
from ptycho.raw_data import RawData
from ptycho_torch.config_factory import create_training_payload
from ptycho_torch.lit.train import train

settings = {"n_groups": 20, "gridsize": 1, "architecture": "unet", "n_filters_scale": 1, "nepochs": 1}
payload = create_training_payload(sys.argv[1], "run", settings, PyTorchExecutionConfig(accelerator="cpu"))
train(payload, RawData.from_file(sys.argv[1]), "run")
"""


@pytest.mark.slow
def test_script_that_trains_prints_nothing(scan_file: Path, tmp_path: Path) -> None:
    """In a fresh process, where Lightning writes to the console itself, the console stays empty."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(scan_file)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert (done.stdout, done.stderr) == ("", "")
