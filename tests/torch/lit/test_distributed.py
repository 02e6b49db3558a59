"""A training shared by several processes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ptycho_torch.lit.launch import partner_lost

SCRIPT = """
import os, sys
import numpy as np, torch
from ptycho.config.config import PyTorchExecutionConfig
from ptycho.raw_data import RawData
from ptycho_torch.config_factory import create_training_payload
from ptycho_torch.lit.train import train

file, folder, devices = *sys.argv[1:3], int(sys.argv[3])
settings = {"n_groups": 36, "gridsize": 1, "architecture": "unet", "n_filters_scale": 1, "unet_stages": 1}
settings |= {"validation_fraction": 0.1, "nepochs": 2, "torch_loss_mode": "mae", "batch_size": 8 // devices}
strategy = "ddp" if devices > 1 else "auto"
execution = PyTorchExecutionConfig(accelerator="cpu", strategy=strategy, devices=devices, threads=1)
payload = create_training_payload(file, folder, settings, execution)
trained = train(payload, RawData.from_file(file), folder)
weights = torch.cat([p.detach().double().ravel() for p in trained.network.parameters()])
rank = os.environ.get("LOCAL_RANK", "0")
np.savez(f"{folder}/rank{rank}.npz", weights=weights, loss=[row["train_loss"] for row in trained.history])
"""
"""Of 36 frames 32 train, which halves without a rest; mean errors of half batches average to that of all."""


@pytest.mark.slow
def test_devices_train_together(scan_file: Path, tmp_path: Path) -> None:
    """Two processes with a batch of 4 each end with one set of weights: that of one with a batch of 8."""
    (tmp_path / "script.py").write_text(SCRIPT)
    for name, devices in (("together", 2), ("alone", 1)):
        (tmp_path / name).mkdir()
        command = [sys.executable, "script.py", str(scan_file), str(tmp_path / name), str(devices)]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=300, capture_output=True, env=environment())
    first, second = (dict(np.load(tmp_path / "together" / f"rank{rank}.npz")) for rank in (0, 1))
    alone = dict(np.load(tmp_path / "alone" / "rank0.npz"))
    np.testing.assert_array_equal(first["weights"], second["weights"])
    np.testing.assert_array_equal(first["loss"], second["loss"])
    np.testing.assert_allclose(first["loss"], alone["loss"], rtol=1e-4)
    difference = np.linalg.norm(first["weights"] - alone["weights"])
    assert difference < 1e-4 * np.linalg.norm(alone["weights"])
    assert (tmp_path / "together" / "last.ckpt").is_file()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            RuntimeError(
                "[/w/third_party/gloo/gloo/transport/tcp/pair.cc:553] Connection closed by peer "
                "[127.0.0.1]:26549. This is typically caused by a remote worker crashing."
            ),
            "Connection closed by peer [127.0.0.1]:26549",
        ),
        (torch.distributed.DistNetworkError("Connection reset by peer"), "Connection reset by peer"),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), None),
    ],
)
def test_the_end_of_a_partner_is_no_defect(error: RuntimeError, reason: str | None) -> None:
    """What torch raises where another process was killed says so; other errors stay what they are."""
    lost = partner_lost(error, 2)
    if reason is None:
        assert lost is None
    else:
        assert str(lost) == (
            f"another process of this training has ended: {reason}\n"
            "  expected  all 2 processes until the last epoch\n"
            "  try       a look at what the others say, then --resume, "
            "which goes on from the last whole epoch"
        )


@pytest.mark.slow
def test_waiting_for_others_can_be_ended(scan_file: Path, tmp_path: Path) -> None:
    """A process whose partners never come hears the signal that asks it to end."""
    job = {
        "SLURM_NTASKS": "2",
        "SLURM_NNODES": "1",
        "SLURM_JOB_NAME": "job",
        "SLURM_JOB_ID": str(os.getpid()),
    }
    words = [
        sys.executable,
        "-m",
        "ptycho",
        "train",
        str(scan_file),
        "--nepochs",
        "1",
        "--accelerator",
        "cpu",
    ]
    with subprocess.Popen(
        words,
        cwd=tmp_path,
        env={**environment(), **job, "SLURM_PROCID": "0", "SLURM_LOCALID": "0"},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        said = next(line for line in process.stderr if "meets the others" in line)
        assert said.startswith("process 1 of 2 that Slurm started meets the others at 127.0.0.1:")
        process.terminate()
        rest = process.communicate(timeout=120)[1]
    assert (process.returncode, rest.splitlines()[-1]) == (143, "ended by SIGTERM")


def environment() -> dict[str, str]:
    """Give the environment without what this test process or a launcher may have set for itself."""
    return {name: value for name, value in os.environ.items() if name not in {"LOCAL_RANK", "WORLD_SIZE"}}
