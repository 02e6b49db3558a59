"""Lightning's trainer, made from the execution settings, and quiet."""

import logging
import os
import shlex
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from ptycho.config.config import PyTorchExecutionConfig
from ptycho_torch.lit import devices, trainer


def make(folder: Path, **settings: object) -> object:
    """Make a trainer without running it."""
    execution = PyTorchExecutionConfig(**{"accelerator": "cpu", "deterministic": False} | settings)  # type: ignore[arg-type]
    with trainer.quiet():
        return trainer.make_trainer(execution, folder, epochs=1, callbacks=[], show_progress=False)


def test_impossible_strategy_says_what_was_given(tmp_path: Path) -> None:
    """Lightning's reason comes with the settings that it is about."""
    with pytest.raises(ValueError, match="no training can run") as caught:
        make(tmp_path, strategy="teleport", enable_checkpointing=False)
    first, *rest = str(caught.value).split("\n")
    assert first.startswith("no training can run with these execution settings: ")
    assert "teleport" in first
    assert rest == [
        "  given     accelerator = 'cpu', devices = 1, strategy = 'teleport', precision = '32-true'",
        "  expected  a device that this machine has and a strategy that it supports",
        '  try       execution.accelerator = "cpu", devices = 1, strategy = "auto"',
    ]


def test_a_job_of_slurm_without_srun_trains_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that a batch script starts itself is no task, however many tasks the job was to have."""
    monkeypatch.delenv("SLURM_PROCID", raising=False)
    for name, value in {"SLURM_NTASKS": "2", "SLURM_JOB_NAME": "job", "SLURM_JOB_ID": "77"}.items():
        monkeypatch.setenv(name, value)
    alone: Any = make(tmp_path)
    assert (alone.world_size, alone.global_rank, alone.is_global_zero) == (1, 0, True)


def test_detached_strategies_are_refused(tmp_path: Path) -> None:
    """Processes that hand nothing back cannot give the best weights."""
    with pytest.raises(ValueError, match="ddp_spawn") as caught:
        make(tmp_path, strategy="ddp_spawn")
    assert str(caught.value) == (
        "execution.strategy = 'ddp_spawn' trains in processes that hand back no history and no best epoch\n"
        "  expected  auto, ddp, fsdp or another strategy of Lightning that stays in this process\n"
        '  try       execution.strategy = "ddp"'
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the device")
def test_absent_device_says_what_was_given(tmp_path: Path) -> None:
    """A device that is not there is one clear error."""
    with pytest.raises(ValueError, match=r"no training can run with these execution settings: .*CUDA"):
        make(tmp_path, accelerator="cuda")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the device")
def test_absent_device_is_refused_before_it_is_used() -> None:
    """The same error where no trainer is made: before frames are placed, and in a reconstruction."""
    with pytest.raises(ValueError, match="torch finds no cuda device") as caught:
        devices.require_device(PyTorchExecutionConfig(accelerator="cuda"))
    assert str(caught.value) == (
        "no training can run with these execution settings: torch finds no cuda device\n"
        "  given     accelerator = 'cuda', devices = 1, strategy = 'auto', precision = '32-true'\n"
        "  expected  a device that this machine has and a strategy that it supports\n"
        '  try       execution.accelerator = "cpu", devices = 1, strategy = "auto"'
    )
    assert devices.require_device(PyTorchExecutionConfig(accelerator="cpu")).type == "cpu"


def test_determinism_is_strict_on_the_cpu() -> None:
    """Elsewhere torch warns of operations that it cannot repeat bit by bit."""
    execution = PyTorchExecutionConfig(accelerator="cpu")
    assert devices.determinism_of(execution) is True
    execution.accelerator = "cuda"
    assert devices.determinism_of(execution) == "warn"
    execution.deterministic = False
    assert devices.determinism_of(execution) is False


@pytest.mark.parametrize(
    ("accelerator", "device"), [("cpu", "cpu"), ("cuda", "cuda:0"), ("mps", "mps"), ("gpu", None)]
)
def test_device_follows_the_accelerator(accelerator: str, device: str | None) -> None:
    """'gpu' is CUDA where there is CUDA, else Apple's."""
    expected = device or ("cuda:0" if torch.cuda.is_available() else "mps")
    assert str(devices.device_of(PyTorchExecutionConfig(accelerator=accelerator))) == expected


def test_quiet_ends_with_the_block() -> None:
    """Lightning's own level of logging comes back."""
    log = logging.getLogger("lightning.pytorch")
    log.setLevel(logging.INFO)
    with trainer.quiet():
        assert log.level == logging.WARNING
    assert log.level == logging.INFO


def test_quiet_lets_other_warnings_pass() -> None:
    """Only the listed warnings are kept away."""
    with trainer.quiet():
        warnings.warn("The 'train_dataloader' does not have many workers", UserWarning, stacklevel=1)
        with pytest.warns(UserWarning, match="something else"):
            warnings.warn("something else", UserWarning, stacklevel=1)


def test_random_state_is_given_back() -> None:
    """What the block draws depends on the seed alone, and the caller's draws go on as if nothing happened."""
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    first = torch.rand(1)
    with devices.repeatable(1):
        inside = torch.rand(1)
        torch.use_deterministic_algorithms(True)
    assert torch.equal(torch.cat([first, torch.rand(1)]), expected)
    assert not torch.are_deterministic_algorithms_enabled()
    with devices.repeatable(1):
        assert torch.equal(torch.rand(1), inside)


UNSHARE = shutil.which("unshare")
WRITE = """\
import itertools, sys, torch
from pathlib import Path
from ptycho_torch.lit.trainer import AtomicCheckpoints
for number in itertools.count(1):
    checkpoint = {"weights": torch.full((2**22,), float(number))}
    AtomicCheckpoints(written=True).save_checkpoint(checkpoint, Path(sys.argv[1]))
"""
KILL = """\
import os, shutil, subprocess, sys
from pathlib import Path
out, temporary = Path("out"), Path(os.environ["TMPDIR"])
assert out.stat().st_dev != temporary.stat().st_dev != Path(".").stat().st_dev
last = out / "last.ckpt"
writer = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(last)])
while not (last.is_file() and [path for path in out.glob(".last-*") if path.stat().st_size > 2**20]):
    assert writer.poll() is None
writer.kill()
writer.wait()
shutil.copy(last, "copy.ckpt")
print(sorted(os.listdir(temporary)))
"""


@pytest.mark.skipif(UNSHARE is None, reason="mounts are made in a namespace of their own, by unshare")
def test_killed_while_writing_to_another_disk(tmp_path: Path) -> None:
    """With TMPDIR on another disk, the checkpoint is the old one or the new one, and nothing else is left."""
    for name in ("out", "temporary"):
        (tmp_path / name).mkdir()
    mounts = "mount -t tmpfs none out && mount -t tmpfs none temporary"
    python = shlex.join([sys.executable, "-c", KILL, WRITE])
    done = subprocess.run(
        [str(UNSHARE), "-m", "bash", "-c", f"{mounts} && exec {python}"],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary")},
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no mounts can be made here: {done.stderr.splitlines()[-1]}")
    assert done.stdout == "[]\n", done.stderr
    weights = torch.load(tmp_path / "copy.ckpt", weights_only=True)["weights"]
    assert torch.equal(weights, weights[0].expand(2**22))
