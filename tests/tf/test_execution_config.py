"""Every field of PyTorchExecutionConfig has an effect on TensorFlow, or is said to have none."""

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho.config.config import PyTorchExecutionConfig
from ptycho.raw_data import RawData
from ptycho.reconstruction.picture import PictureOptions, batch_size_of
from ptycho.reconstruction.workers import available_cores
from ptycho.run.settings import TrainingSettings
from ptycho.tf import infer
from ptycho.tf.checkpoints import Checkpoint, read_checkpoint
from ptycho.tf.data import Batches
from ptycho.tf.loop import Loop
from ptycho.tf.model import PtychoNetwork
from ptycho.tf.train import open_loop, train
from ptycho.tf.weights import export
from ptycho.training.result import TrainingResult

Run = Callable[..., TrainingResult[PtychoNetwork]]
Start = Callable[..., Loop]
Make = Callable[..., TrainingSettings]


@pytest.fixture
def run(prepared: Make, tiny_scan: RawData, tmp_path: Path) -> Run:
    """Train a small network with execution settings given by keyword."""

    def make(
        folder: str = "run", *, nepochs: int = 1, progress: bool | None = None, **settings: Any
    ) -> TrainingResult[PtychoNetwork]:
        held_out = 0.2 if "val" in settings.get("checkpoint_monitor_metric", "") else 0.0
        asked = prepared(settings, nepochs=nepochs, validation_fraction=held_out)
        return train(asked, tiny_scan, tmp_path / folder, progress=progress)

    return make


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the training that `plain` made."""
    return tmp_path_factory.mktemp("plain")


@pytest.fixture(scope="module")
def plain(folder: Path, prepared: Make, tiny_scan: RawData) -> TrainingResult[PtychoNetwork]:
    """A training of one epoch with the settings as they are by default."""
    return train(prepared(validation_fraction=0.0), tiny_scan, folder)


@pytest.fixture(scope="module")
def start(prepared: Make, tiny_scan: RawData, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Make everything ready for a training with execution settings given by keyword."""

    def make(**settings: Any) -> Loop:
        configurations = prepared(settings, validation_fraction=0.0)
        return open_loop(configurations, tiny_scan, tmp_path_factory.mktemp("start"))

    return make


def last(folder: Path) -> Checkpoint:
    """Read the last checkpoint of a run."""
    return read_checkpoint(folder).content


def largest_change(first: Path, second: Path) -> float:
    """Compare the last weights of two runs."""
    one, two = last(first).network, last(second).network
    return max(float(np.abs(array.astype(complex) - two[name]).max()) for name, array in one.items())


def test_accelerator_is_where_the_training_runs(plain: TrainingResult[PtychoNetwork], run: Run) -> None:
    """A device of that kind is taken; where there is none, the error says so."""
    assert plain.device == "cpu"
    with pytest.raises(ValueError, match="finds no cuda device") as caught:
        run(accelerator="cuda")
    assert str(caught.value) == (
        "no training can run with these execution settings: TensorFlow finds no cuda device\n"
        "  given     accelerator = 'cuda', devices = 1, strategy = 'auto', precision = '32-true'\n"
        "  expected  a device that this machine has and a strategy that it supports\n"
        '  try       execution.accelerator = "cpu", devices = 1, strategy = "auto"'
    )


def test_strategy_is_one_of_tensorflows(run: Run) -> None:
    """Data-parallel names are known by what they do; one that only torch has is refused."""
    with pytest.raises(ValueError, match="no counterpart") as caught:
        run(strategy="fsdp")
    assert str(caught.value) == (
        "execution.strategy = 'fsdp' has no counterpart in TensorFlow\n"
        "  expected  auto, or for data-parallel devices ddp, ddp_find_unused_parameters_true, "
        "ddp_find_unused_parameters_false, dp, mirrored\n"
        '  try       execution.strategy = "auto", or training.backend = "pytorch"'
    )


SCRIPT = """
import json
import sys
from ptycho.config.config import PyTorchExecutionConfig
from ptycho.run.settings import prepare_training
from ptycho.run.resolve import resolve_run
from ptycho.reconstruction.picture import PictureOptions
from ptycho.raw_data import RawData
from ptycho.tf import infer
from ptycho.tf.train import train
import tensorflow as tf

file, asked = sys.argv[1], json.loads(sys.argv[2])
settings = {"train_data_file": file, "n_groups": 36, "gridsize": 1, "architecture": "unet", "nepochs": 1}
settings |= {"n_filters_scale": 1, "unet_stages": 1, "batch_size": 4, "backend": "tensorflow"}
execution = PyTorchExecutionConfig(accelerator="cpu", **asked)
prepared = prepare_training(resolve_run("train", overrides=settings, execution_config=execution))
trained = train(prepared, RawData.from_file(file), "run")
try:  # With determinism on, TensorFlow refuses to draw where nobody gave it a seed.
    tf.random.uniform(())
    drawn = True
except RuntimeError:
    drawn = False
print(json.dumps({
    "threads": [
        tf.config.threading.get_intra_op_parallelism_threads(),
        tf.config.threading.get_inter_op_parallelism_threads(),
    ],
    "devices": [device.name for device in tf.config.list_logical_devices()],
    "decisions": trained.decisions,
    "drawn": drawn,
}))
"""


@pytest.fixture(scope="module")
def told(scan_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """Train in a process of its own, once for each set of settings, and hear what was in force there."""
    heard: dict[str, dict[str, Any]] = {}

    def train_there(**settings: Any) -> dict[str, Any]:
        key = json.dumps(settings)
        if key not in heard:
            home = tmp_path_factory.mktemp("there")
            done = subprocess.run(
                [sys.executable, "-c", SCRIPT, str(scan_file), key],
                cwd=home,
                capture_output=True,
                text=True,
                check=True,
                timeout=300,
            )
            heard[key] = json.loads(done.stdout.splitlines()[-1]) | {"last": last(home / "run")}
        return heard[key]

    return train_there


SHARED = {"devices": 2, "threads": 2, "strategy": "ddp", "num_workers": 2}
LOOSE = {"deterministic": False}


@pytest.mark.slow
@pytest.mark.parametrize(("settings", "count"), [(SHARED, 2), (LOOSE, 1)])
def test_devices_are_as_many_as_set(
    settings: dict[str, Any], count: int, told: Callable[..., dict[str, Any]]
) -> None:
    """That many devices share each step: with two, half as many steps see all groups."""
    there = told(**settings)
    assert there["devices"] == [f"/device:CPU:{number}" for number in range(count)]
    shared = "2 devices share each step, with a batch each (MirroredStrategy)"
    assert (shared in there["decisions"]) is (count == 2)
    assert there["last"].optimiser["steps"] == {1: 9, 2: 5}[count]


@pytest.mark.slow
def test_threads_are_those_of_the_training(told: Callable[..., dict[str, Any]]) -> None:
    """TensorFlow starts with that many threads, and the decisions say why."""
    there = told(**SHARED)
    assert there["threads"] == [2, 2]
    assert "2 CPU threads (as set)" in there["decisions"]


@pytest.mark.slow
@pytest.mark.parametrize(("settings", "drawn"), [(SHARED, False), (LOOSE, True)])
def test_deterministic_reaches_tensorflow(
    settings: dict[str, Any], drawn: bool, told: Callable[..., dict[str, Any]]
) -> None:
    """With several threads TensorFlow is told to add up in one order; without, it is left alone."""
    assert told(**settings)["drawn"] is drawn


def first_gradients(loop: Loop) -> dict[str, np.ndarray]:
    """Take one step, and tell the gradients that reached Adam: its momentum is a tenth of them."""
    loop.module.learn(loop.train.start(0))
    state = loop.module.optimiser_state()
    return {
        name.removeprefix("momentum/"): 10 * array for name, array in state.items() if "momentum/" in name
    }


def measures(gradients: dict[str, np.ndarray], weights: dict[str, np.ndarray]) -> dict[str, float]:
    """Measure gradients in each of the ways in which they may be bounded."""
    units = {
        name: np.linalg.norm(array.reshape(-1, array.shape[-1]), axis=0)
        / np.maximum(np.linalg.norm(weights[name].reshape(-1, array.shape[-1]), axis=0), 1e-3)
        for name, array in gradients.items()
        if name.endswith("kernel")
    }
    everything = np.concatenate([array.ravel() for array in gradients.values()])
    return {
        "norm": float(np.linalg.norm(everything)),
        "value": float(np.abs(everything).max()),
        "agc": max(float(ratios.max()) for ratios in units.values()),
    }


@pytest.fixture(scope="module")
def free(start: Start) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Gradients of the first step where nothing bounds them, and the weights that they move."""
    loop = start()
    weights = export(loop.module.network)
    return first_gradients(loop), weights


@pytest.mark.parametrize("algorithm", ["norm", "value", "agc"])
def test_gradient_clip_algorithm_bounds_what_it_names(
    algorithm: str, start: Start, free: tuple[dict[str, np.ndarray], dict[str, np.ndarray]]
) -> None:
    """Norm bounds the length of all gradients, value each element, agc each unit relative to its weights."""
    limit = measures(*free)[algorithm] / 10
    bound = start(gradient_clip_val=limit, gradient_clip_algorithm=algorithm)
    found = measures(first_gradients(bound), free[1])
    assert found[algorithm] == pytest.approx(limit, rel=1e-3)


@pytest.mark.usefixtures("plain")
def test_accum_steps_make_steps_rarer(run: Run, folder: Path, tmp_path: Path) -> None:
    """36 training frames in batches of 8 are 5 steps an epoch; accumulated by threes, they are 2."""
    run(accum_steps=3)
    assert last(folder).optimiser["steps"] == 5
    assert last(tmp_path / "run").optimiser["steps"] == 2


@pytest.mark.usefixtures("plain")
def test_num_workers_load_in_threads(run: Run, folder: Path, tmp_path: Path) -> None:
    """Loading threads change nothing but where the loading happens; what has no use here is told."""
    trained = run(num_workers=2, prefetch_factor=4, persistent_workers=True, pin_memory=True)
    assert largest_change(folder, tmp_path / "run") == 0
    assert sum("has nothing to act on" in note for note in trained.decisions) == 2


@pytest.mark.parametrize("workers", [0, 2])
def test_num_workers_gather_side_by_side(workers: int, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many batches are gathered at once as there are loading threads, and cores for them."""
    real, busy, most = Batches.arrays, [], [0]

    def arrays(self: Batches, *place: int) -> tuple[np.ndarray, ...]:
        busy.append(place)
        most[0] = max(most[0], len(busy))
        time.sleep(0.1)
        busy.pop()
        return real(self, *place)

    monkeypatch.setattr(Batches, "arrays", arrays)
    assert len(list(start(num_workers=workers).train.start(0))) == 5
    assert most[0] == max(1, min(workers, available_cores()))


@pytest.mark.parametrize("factor", [1, 3, None])
def test_prefetch_factor_batches_wait(
    factor: int | None, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the training looks at a batch, that many are made ready and no more; by default two."""
    real, gathered = Batches.arrays, []

    def arrays(self: Batches, *place: int) -> tuple[np.ndarray, ...]:
        gathered.append(place)
        return real(self, *place)

    monkeypatch.setattr(Batches, "arrays", arrays)
    batches, expected = start(prefetch_factor=factor).train.start(0), 1 + (factor or 2)
    next(batches)
    for _ in range(100):
        time.sleep(0.1)
        if len(gathered) >= expected:
            break
    time.sleep(0.3)
    assert len(gathered) == expected


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("persistent_workers", "TensorFlow loads in threads, which stay between epochs"),
        ("pin_memory", "TensorFlow pins what it copies to a GPU"),
    ],
)
def test_persistent_workers_and_pin_memory_are_told(setting: str, reason: str, start: Start) -> None:
    """TensorFlow does both by itself; where the setting was made, the decisions say so."""
    note = f"execution.{setting} has nothing to act on: {reason}"
    assert note in start(num_workers=1, **{setting: True}).plan.notes
    assert note not in start(num_workers=1).plan.notes


@pytest.mark.parametrize(("asked", "given", "shown"), [(True, None, 1), (True, False, 0), (False, True, 1)])
def test_enable_progress_bar_shows_the_epochs(
    asked: bool,
    given: bool | None,
    shown: int,
    run: Run,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A line an epoch in a log, or nothing; the caller's word goes first."""
    caplog.set_level(logging.ERROR, "tensorflow")  # Many trainings in one process make it talk of tracing.
    run(enable_progress_bar=asked, progress=given, nepochs=2)
    out, err = capfd.readouterr()
    assert out == ""
    assert len([line for line in err.split("\n") if line.strip()]) == 2 * shown
    assert err.count("epoch 2/2") == shown
    assert err.count("100 %") == shown


def test_checkpoint_mode_and_early_stop_patience_end_it(run: Run, tmp_path: Path) -> None:
    """Judged by a metric that should rise but falls, the training ends after as many epochs as patience."""
    trained = run(early_stop_patience=2, checkpoint_mode="max", nepochs=9)
    assert len(trained.history) == 3
    assert trained.decisions[-1].startswith("the training stopped early after 3 epochs: ")
    assert [path.name for path in (tmp_path / "run").glob("best*")] == ["best-epoch000.ckpt"]


@pytest.mark.parametrize("size", [3, None])
def test_inference_batch_size_cuts_the_steps(
    size: int | None, plain: TrainingResult[PtychoNetwork], tiny_scan: RawData
) -> None:
    """Steps are that large; without one they are those of the inference settings."""
    execution = PyTorchExecutionConfig(accelerator="cpu", inference_batch_size=size)
    heard: list[int] = []
    infer.reconstruct(
        plain.network,
        plain.normalisation,
        tiny_scan,
        batch_size=batch_size_of(execution, 16),
        on_batch=heard.append,
    )
    assert heard == (list(range(3, 37, 3)) if size else [16, 32, 36])


def test_middle_trim_and_pad_eval_shape_the_picture(
    plain: TrainingResult[PtychoNetwork], tiny_scan: RawData
) -> None:
    """A trimmed border narrows the picture; a padded canvas reaches N/2 beyond the outermost positions."""
    shapes = {
        (trim, pad): infer.reconstruct(
            plain.network,
            plain.normalisation,
            tiny_scan,
            options=PictureOptions(middle_trim=trim, pad_eval=pad),
        ).object.shape
        for trim, pad in ((0, False), (0, True), (24, False))
    }
    assert shapes[24, False] < shapes[0, False] < shapes[0, True]
    assert shapes[0, True][1] >= np.ptp(tiny_scan.positions[:, 0]) + 64


def test_middle_trim_and_pad_eval_reach_it(prepared: Make) -> None:
    """Trim, padding and threads come to the reconstruction from the execution settings."""
    made = prepared({"middle_trim": 5, "pad_eval": True, "threads": 2})
    options = PictureOptions.of(made.resolution, made.execution_config)
    assert (options.middle_trim, options.pad_eval, options.threads) == (5, True, 2)
