"""A run is not lost: killed, signalled, without room or without a reader, it goes on to the same end."""

from __future__ import annotations

import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ptycho.bundle.archive import FILE_NAME
from ptycho.bundle.read import read_bundle

pytestmark = pytest.mark.slow

EPOCHS = 24
LONG = ["--nepochs", str(EPOCHS), "--batch_size", "2"]
"""More epochs than pass before a signal arrives; each a few tens of milliseconds."""

PATIENCE_S = 240


def command(*arguments: str, prefix: Sequence[str] = ()) -> list[str]:
    """Give the command line of a process of ours."""
    return [*prefix, sys.executable, "-m", "ptycho", *arguments]


def train(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Train to the end in a process of its own."""
    words = command("train", "run.toml", *LONG, *arguments)
    return subprocess.run(words, check=False, capture_output=True, text=True, timeout=PATIENCE_S)


def rows(folder: Path) -> int:
    """Count the epochs that a folder has written down."""
    path = folder / "metrics.csv"
    return len(path.read_text().splitlines()) - 1 if path.is_file() else 0


def stop(
    folder: Path, signum: int, *arguments: str, after: int = 1, prefix: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Train in a process of its own, and signal it once it has written down some epochs more."""
    words = command("train", "run.toml", *LONG, *arguments, prefix=prefix)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    deadline = time.monotonic() + PATIENCE_S
    with subprocess.Popen(words, **pipes) as process:  # type: ignore[call-overload]
        while rows(folder) < after or not (folder / "last.ckpt").is_file():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signum)
        out, err = process.communicate(timeout=PATIENCE_S)
    return subprocess.CompletedProcess(words, process.returncode, out, err)


@pytest.fixture(scope="module")
def undisturbed(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the same training when nothing happens to it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    words = command("train", str(trained / "run.toml"), *LONG, "--output_dir", str(folder / "run"), "--quiet")
    subprocess.run(words, check=True, timeout=PATIENCE_S)
    return folder / "run"


@pytest.fixture
def fresh(job: Path) -> Path:
    """The working directory without the run that it came with."""
    shutil.rmtree(job / "run")
    return job


def require_same_network(first: Path, second: Path) -> None:
    """Compare the weights of two bundles bit for bit."""
    ours, theirs = (read_bundle(folder / FILE_NAME) for folder in (first, second))
    assert ours.weights.keys() == theirs.weights.keys()
    for name, array in ours.weights.items():
        np.testing.assert_array_equal(array, theirs.weights[name], err_msg=name)


def test_kills_do_not_change_the_end(fresh: Path, undisturbed: Path) -> None:
    """Killed, ended by the batch system and resumed, a training ends in the same bits, in one folder.

    Its scan may have another name at every turn.
    """
    killed = stop(fresh / "run.partial", signal.SIGKILL, after=2)
    assert killed.returncode == -signal.SIGKILL
    before = rows(fresh / "run.partial")
    moved = ["--train_data_file", str((fresh / "train.npz").rename(fresh / "moved.npz"))]
    ended = stop(fresh / "run.partial-2", signal.SIGTERM, "--resume", *moved, after=before + 2)
    assert ended.returncode == 128 + signal.SIGTERM
    assert ended.stderr.splitlines()[-1] == "ended by SIGTERM"
    again = ["--train_data_file", str((fresh / "moved.npz").rename(fresh / "again.npz"))]
    rest = train("--resume", *again)
    assert rest.returncode == 0, rest.stderr
    assert "run.partial-2" in next(
        line for line in rest.stderr.splitlines() if "the training resumes" in line
    )
    assert {path.name for path in fresh.glob("run*")} == {"run", "run.toml"}
    assert rows(fresh / "run") == EPOCHS
    require_same_network(fresh / "run", undisturbed)
    once_more = train("--resume", *again)
    assert once_more.returncode == 0
    assert once_more.stderr == f"{fresh / 'run'} is a whole run: there is nothing to resume\n"


def test_a_run_outlives_its_terminal(fresh: Path) -> None:
    """Under nohup, with nobody reading its output, the run is whole and its exit code is 0."""
    arguments = " ".join(LONG)
    line = f"nohup {sys.executable} -m ptycho train run.toml {arguments} --enable_progress_bar=true"
    shell = f"({line} 2>&1; echo $? > code) | head -n 1 >/dev/null; while [ ! -s code ]; do sleep 0.1; done"
    with subprocess.Popen(["bash", "-c", shell]) as process:
        process.wait(timeout=PATIENCE_S)
    assert (fresh / "code").read_text() == "0\n"
    assert (fresh / "run" / "report.md").is_file()


def test_a_finished_training_is_completed(fresh: Path, undisturbed: Path) -> None:
    """Killed after its last epoch, before its results, a run is completed by one command without settings."""
    killed = stop(fresh / "run.partial", signal.SIGKILL, after=EPOCHS)
    assert killed.returncode == -signal.SIGKILL
    assert not (fresh / "run").exists()
    words = command("finish", "run")
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in fresh.glob("run*")} == {"run", "run.toml"}
    assert (fresh / "run" / "report.md").is_file()
    require_same_network(fresh / "run", undisturbed)


def limit_files() -> None:
    """Let files grow to 100 kB, less than a checkpoint needs."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


def test_a_full_disk_is_named(fresh: Path) -> None:
    """The first checkpoint that finds no room ends the training: its file, its size, what is free; code 2."""
    words = command("train", "run.toml", *LONG)
    full = subprocess.run(
        words, check=False, capture_output=True, text=True, preexec_fn=limit_files, timeout=PATIENCE_S
    )
    assert full.returncode == 2
    assert re.search(
        r"\n/\S+\.ckpt could not be written: File too large\n"
        r"  written   100000 bytes\n  free      \d+ bytes at /\S+\n  expected  room for the whole file\n",
        full.stderr,
    )
    assert list(fresh.glob("run.*")) == [fresh / "run.toml"]


CHAOS = Path(__file__).resolve().parents[2] / "benchmarks" / "chaos.py"


def test_kills_at_named_stages_lose_nothing(backend: str, tmp_path: Path) -> None:
    """Killed in a checkpoint, after the bundle and after the report, a run ends as an undisturbed one."""
    stages = [".last-*", "wts.h5.zip", "report.md"]
    words = [sys.executable, str(CHAOS), "--backend", backend, "--folder", str(tmp_path), "--epochs", "6"]
    words += ["--only", "SIGKILL", "--disturbances", str(len(stages)), "--cold", "0"]
    words += [word for stage in stages for word in ("--at", stage)]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=2 * PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr + (tmp_path / backend / "log").read_text()
    for stage in stages:
        assert f"| {backend} | at {stage} | 1 |" in done.stdout
    # A moment that was missed is tried again in another run; each ends as the undisturbed one.
    assert re.search(rf"\| {backend} \| whole runs \| [1-9]", done.stdout)
