"""Trainings of seconds, whole."""

import dataclasses
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from ptycho.raw_data import RawData
from ptycho.run.settings import TrainingSettings
from ptycho.tf.checkpoints import Checkpoint, load_network, read_checkpoint
from ptycho.tf.model import PtychoNetwork
from ptycho.tf.train import train
from ptycho.tf.weights import export
from ptycho.training.result import TrainingResult

Make = Callable[..., TrainingSettings]

ASKED = {"probe_trainable": True, "intensity_scale_trainable": True, "probe_modes": 2}
"""Everything that can be learned."""


def load(path: Path) -> Checkpoint:
    """Read a checkpoint."""
    return read_checkpoint(path).content


def equal_arrays(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> bool:
    """Compare two sets of named arrays bit for bit."""
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the training that `done` made."""
    return tmp_path_factory.mktemp("done")


@pytest.fixture(scope="module")
def done(run: Path, prepared: Make, tiny_scan: RawData) -> TrainingResult[PtychoNetwork]:
    """A training of two epochs with everything that can be learned."""
    return train(prepared(nepochs=2, mae_weight=0.5, **ASKED), tiny_scan, run)


def test_checkpoint_keeps_settings_and_history(done: TrainingResult[PtychoNetwork], run: Path) -> None:
    """The text in a checkpoint resolves to the settings of the training, its rows are the history."""
    kept = load(run)
    settings = tomllib.loads(kept.settings_toml)
    assert settings["training"]["nepochs"] == 2
    assert settings["model"]["probe_modes"] == 2
    assert settings["execution"]["accelerator"] == "cpu"
    assert kept.history == done.history
    assert kept.hyperparameters["network"] == done.network.settings.as_dict()
    assert kept.hyperparameters["normalisation"] == done.normalisation.as_dict()


def test_checkpoint_opens_without_arguments(done: TrainingResult[PtychoNetwork]) -> None:
    """The file of the best epoch gives the network that was handed back; nothing else is needed."""
    assert done.best_checkpoint is not None
    assert equal_arrays(export(load_network(done.best_checkpoint)), export(done.network))


def test_training_leaves_the_process_as_it_was(prepared: Make, tiny_scan: RawData, tmp_path: Path) -> None:
    """The precision that Keras takes by default and the handler of Ctrl-C are the caller's again."""
    handler = signal.getsignal(signal.SIGINT)
    train(prepared({"precision": "bf16-mixed"}, validation_fraction=0.0), tiny_scan, tmp_path)
    assert signal.getsignal(signal.SIGINT) is handler
    assert keras.config.dtype_policy().name == "float32"


def test_resumed_training_keeps_an_earlier_best(prepared: Make, tiny_scan: RawData, tmp_path: Path) -> None:
    """Where no resumed epoch is better, weights and file of the best one come from the earlier run."""
    execution = {"checkpoint_mode": "max", "checkpoint_monitor_metric": "train_loss"}
    settings = {"validation_fraction": 0.0}
    first = train(prepared(execution, **settings), tiny_scan, tmp_path / "first")
    rest = train(
        prepared(execution, nepochs=2, resume=tmp_path / "first", **settings), tiny_scan, tmp_path / "rest"
    )
    assert rest.best_epoch == 0
    assert equal_arrays(export(first.network), export(rest.network))
    assert not equal_arrays(load(tmp_path / "rest").network, export(rest.network))
    assert rest.best_checkpoint == tmp_path / "rest/best-epoch000.ckpt"
    assert equal_arrays(load(rest.best_checkpoint).network, export(rest.network))


def test_best_weights_are_those_of_the_best_epoch(prepared: Make, tiny_scan: RawData, tmp_path: Path) -> None:
    """What is handed back is the epoch with the lowest monitored loss, not the last one."""
    execution = {"learning_rate": 0.3, "checkpoint_save_top_k": 0}
    trained = train(prepared(execution, nepochs=4), tiny_scan, tmp_path)
    losses = [row["val_loss"] for row in trained.history]
    assert trained.best_epoch == int(np.argmin(losses))
    assert trained.best_epoch != 3
    assert trained.best_checkpoint is None
    best = f"the weights are those of epoch {trained.best_epoch + 1} (val_loss {min(losses):.6g})"
    assert trained.decisions[-1] == best
    kept = load(tmp_path)
    assert equal_arrays(kept.best, export(trained.network))
    assert not equal_arrays(kept.network, export(trained.network))


def test_probe_is_retrieved_from_training_frames(prepared: Make, tiny_scan: RawData, tmp_path: Path) -> None:
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
    warm = train(prepared(probe_warmup_epochs=15), scan, tmp_path / "warm")
    likeness = [
        abs(np.vdot(found, true)) / np.linalg.norm(found) / np.linalg.norm(true)
        for found in (wrong, warm.probe)
    ]
    assert 1 - likeness[1] < 0.8 * (1 - likeness[0])
    [note] = [note for note in warm.decisions if note.startswith("the probe was retrieved")]
    assert note.startswith("the probe was retrieved from 29 training frames in 15 sweeps (")


SCRIPT = """
import sys
from ptycho.config.config import PyTorchExecutionConfig
from ptycho.run.settings import prepare_training
from ptycho.run.resolve import resolve_run
from ptycho.raw_data import RawData
from ptycho.tf import backend

settings = {"train_data_file": sys.argv[1], "n_groups": 20, "gridsize": 1, "architecture": "unet"}
settings |= {"n_filters_scale": 1, "unet_stages": 1, "nepochs": 1, "backend": "tensorflow"}
execution = PyTorchExecutionConfig(accelerator="cpu", num_workers=1)
prepared = prepare_training(resolve_run("train", overrides=settings, execution_config=execution))
backend.train(prepared, RawData.from_file(sys.argv[1]), "run")
"""


@pytest.mark.slow
def test_script_that_trains_prints_nothing(scan_file: Path, tmp_path: Path) -> None:
    """In a fresh process, where TensorFlow's libraries greet on the console, the console stays empty."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(scan_file)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert (tmp_path / "run/last.ckpt").is_file()


def test_checkpoint_of_torch_is_refused(prepared: Make, tiny_scan: RawData, tmp_path: Path) -> None:
    """What torch wrote is told from damage: the error names the backend that can go on with it."""
    path = tmp_path / "earlier/last.ckpt"
    path.parent.mkdir()
    script = "import sys, torch; torch.save({'history': []}, sys.argv[1])"
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, capture_output=True, timeout=120)
    with pytest.raises(ValueError, match="checkpoint of the torch backend") as caught:
        train(prepared(nepochs=2, resume=path.parent), tiny_scan, tmp_path / "run")
    assert str(caught.value) == (
        f"{path} is a checkpoint of the torch backend, and training.backend is 'tensorflow'\n"
        "  expected  a checkpoint that the TensorFlow backend wrote\n"
        '  try       training.backend = "pytorch", or training.resume unset for a fresh start'
    )
    assert list((tmp_path / "run").iterdir()) == []
