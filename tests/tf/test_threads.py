"""How many CPU threads TensorFlow uses."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from ptycho.raw_data import RawData
from ptycho.tf import threads
from ptycho.tf import train as training
from ptycho.tf.iteration import TensorFlowSweeps
from ptycho.tf.train import train
from ptycho.training.plan import make_plan
from ptycho.training.threads import ThreadChoice

FRESH = """
import tensorflow as tf
from ptycho.tf.threads import take_threads
from ptycho.training.threads import ThreadChoice

threading = tf.config.threading
print(take_threads(ThreadChoice(3, "as set")).note())
print(threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads())
tf.constant(1.0) + 1.0
print(take_threads(ThreadChoice(3, "as set")).note())
print(take_threads(ThreadChoice(2, "as set")).note())
"""
STARTED = """
import tensorflow as tf
from ptycho.tf.threads import take_threads
from ptycho.training.threads import ThreadChoice

tf.constant(1.0) + 1.0
print(take_threads(ThreadChoice(9, "as set")).threads)
print(take_threads(ThreadChoice(5, "as set")).note())
"""


def output_of(script: str, **environment: str) -> list[str]:
    """Run a script in a process in which TensorFlow has not started; give the lines that it prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_NUM_")}
    done = subprocess.run(
        [sys.executable, "-c", "import ptycho.tf\n" + script],
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_free_choice_is_every_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """All cores are taken: the number is fixed before a step could be timed."""
    monkeypatch.setattr(threads, "available_cores", lambda: 4)
    assert threads.every_core() == ThreadChoice(
        4, "every core: TensorFlow keeps the number that it starts with"
    )


def test_started_tensorflow_keeps_its_threads() -> None:
    """Once TensorFlow computes, another number is not taken, and what is in force is told."""
    tf.constant(1.0) + 1.0
    assert threads.take_threads(ThreadChoice(1, "as set")) == ThreadChoice(1, "as set")
    found = threads.take_threads(ThreadChoice(3, "as set"))
    assert found == ThreadChoice(1, "TensorFlow had started with them; 3 as set")
    assert tf.config.threading.get_intra_op_parallelism_threads() == 1


def test_training_tells_its_threads(prepared: Callable[..., Any], tiny_scan: RawData, tmp_path: Path) -> None:
    """`execution.threads` reaches TensorFlow, which says here that it runs on one thread already."""
    tf.constant(1.0) + 1.0
    trained = train(prepared({"threads": 2, "deterministic": False}), tiny_scan, tmp_path)
    assert "1 CPU thread (TensorFlow had started with them; 2 as set)" in trained.decisions


@pytest.mark.parametrize(
    ("setting", "device", "threads"), [(None, "/CPU:0", 1), (2, "/CPU:0", 2), (2, "/GPU:0", 1)]
)
def test_sweeps_take_the_threads_of_the_setting(setting: int | None, device: str, threads: int) -> None:
    """Sweeps share frames among as many threads as are set, on the CPU alone."""
    assert TensorFlowSweeps.on(device, setting).threads == threads


def test_a_training_sweeps_with_its_threads(
    prepared: Callable[..., Any], tiny_scan: RawData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What sweeps before the first step of a training does so with the threads of its setting."""
    sweeping = []

    def watched(*arguments: Any) -> Any:
        sweeping.append(arguments[-1].threads)
        return make_plan(*arguments)

    monkeypatch.setattr(training, "make_plan", watched)
    training.open_loop(prepared({"threads": 2}), tiny_scan, tmp_path)
    assert sweeping == [2]


@pytest.mark.slow
def test_fresh_tensorflow_takes_its_threads() -> None:
    """Before it computes, TensorFlow takes the number; from then on it keeps it."""
    assert output_of(FRESH) == [
        "3 CPU threads (as set)",
        "3 3",
        "3 CPU threads (as set)",
        "3 CPU threads (TensorFlow had started with them; 2 as set)",
    ]


@pytest.mark.slow
def test_threads_of_the_environment_are_told() -> None:
    """A started TensorFlow runs on as many threads as its own variable said."""
    assert output_of(STARTED, TF_NUM_INTRAOP_THREADS="5") == ["5", "5 CPU threads (as set)"]


BEGUN = """\
from ptycho.tf import backend
backend.begin({"execution.threads": 2, "execution.accelerator": "cpu"})
import tensorflow as tf
tf.constant(1.0) + 1.0
print(tf.config.threading.get_intra_op_parallelism_threads())
print([device.device_type for device in tf.config.get_visible_devices()])
"""


@pytest.mark.slow
def test_a_reconstruction_begins_with_its_threads() -> None:
    """Threads and device of the settings are taken before the weights of a bundle start TensorFlow."""
    assert output_of(BEGUN) == ["2", "['CPU']"]
