"""A training shared by several processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, sys
from ptycho.config.config import PyTorchExecutionConfig
from ptycho.raw_data import RawData
from ptycho_torch.config_factory import create_training_payload
from ptycho_torch.lit.train import train

file, folder = sys.argv[1:]
settings = {"n_groups": 20, "gridsize": 1, "architecture": "unet", "n_filters_scale": 1, "unet_stages": 1}
execution = PyTorchExecutionConfig(accelerator="cpu", strategy="ddp", devices=2, threads=1)
payload = create_training_payload(file, folder, settings | {"batch_size": 4, "nepochs": 1}, execution)
trained = train(payload, RawData.from_file(file), folder)
with open(f"{folder}/rank{os.environ['LOCAL_RANK']}.txt", "w") as file:
    total = sum(float(p.double().sum()) for p in trained.network.parameters())
    file.write(f"{trained.history[0]['train_loss']} {total}")
"""


@pytest.mark.slow
def test_devices_train_together(scan_file: Path, tmp_path: Path) -> None:
    """Two processes share the groups and end with the same loss and the same weights."""
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "script.py", str(scan_file), str(tmp_path)]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=300, capture_output=True, env=environment())
    ranks = [(tmp_path / f"rank{rank}.txt").read_text() for rank in (0, 1)]
    assert ranks[0] == ranks[1]
    assert (tmp_path / "last.ckpt").is_file()


def environment() -> dict[str, str]:
    """Give the environment without what this test process or a launcher may have set for itself."""
    return {name: value for name, value in os.environ.items() if name not in {"LOCAL_RANK", "WORLD_SIZE"}}
