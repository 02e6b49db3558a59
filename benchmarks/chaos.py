"""Disturb trainings at random moments and see whether anything is lost: `make chaos`.

A training is killed, signalled, robbed of its disk or of its reader, and started again with ``--resume``
until it is whole. Its weights must then be those of an undisturbed training, bit for bit, and nothing may lie
beside its folder or in TMPDIR. The counts stay in the folder: started again, the script goes on.

    .venv/bin/python benchmarks/chaos.py --backend tensorflow --disturbances 20
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

from ptycho.bundle.archive import FILE_NAME
from ptycho.bundle.read import read_bundle

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
output_dir = "{name}"
n_groups = 96
nepochs = 24
batch_size = 4
torch_loss_mode = "mae"

[inference]
refine_epochs = 0

[execution]
accelerator = "cpu"
"""
FULL_DISK, LOST_READER = "full disk", "lost reader"
DISTURBANCES = ("SIGKILL", "SIGTERM", "SIGHUP", "SIGUSR1", FULL_DISK, LOST_READER)
SMALL_DISK = 200_000
"""Bytes that a file may have on a full disk: fewer than a checkpoint needs."""


def main() -> int:
    """Disturb until there were as many disturbances as asked for; 1 where something was lost."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backend", default="pytorch")
    parser.add_argument("--disturbances", type=int, default=100)
    parser.add_argument("--folder", type=Path, default=Path("outputs/chaos"))
    given = parser.parse_args()
    folder = (given.folder / given.backend).absolute()
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    path = folder / "counts.json"
    counts = Counter(json.loads(path.read_text()) if path.is_file() else {})
    seconds = prepare(folder, given.backend)
    while sum(counts[name] for name in DISTURBANCES) < given.disturbances:
        disturb(folder, given.backend, seconds, counts)
        path.write_text(json.dumps(counts))
    for name in (*DISTURBANCES, "whole runs", "lost"):
        print(f"| {given.backend} | {name} | {counts[name]} |")
    return int(counts["lost"] > 0)


def command(folder: Path, *arguments: str, output: int | None = None) -> subprocess.Popen[bytes]:
    """Start a command of ours in a folder; its output goes to a file, or to a descriptor."""
    words = [sys.executable, "-m", "ptycho", *arguments]
    environment = {**os.environ, "TMPDIR": str(folder / "tmp")}
    with (folder / "log").open("ab") as log:
        place = log.fileno() if output is None else output
        return subprocess.Popen(words, cwd=folder, env=environment, stdout=place, stderr=place)


def prepare(folder: Path, backend: str) -> float:
    """Simulate a scan and train on it undisturbed; give the time that took in seconds."""
    facts = folder / "undisturbed.json"
    if not facts.is_file():
        assert command(folder, "simulate", "train.npz", "--n-frames", "100").wait() == 0
        (folder / "undisturbed.toml").write_text(SETTINGS.format(backend=backend, name="undisturbed"))
        began = time.perf_counter()
        assert command(folder, "train", "undisturbed.toml").wait() == 0
        facts.write_text(json.dumps(time.perf_counter() - began))
    return float(json.loads(facts.read_text()))


def disturb(folder: Path, backend: str, seconds: float, counts: Counter[str]) -> None:
    """Train to the end through disturbances, count them, and compare the end with the undisturbed one."""
    (folder / "run.toml").write_text(SETTINGS.format(backend=backend, name="run"))
    while not (folder / "run").is_dir():
        name = random.choice(DISTURBANCES)
        reader, writer = os.pipe()
        process = command(
            folder, "train", "run.toml", "--resume", output=writer if name == LOST_READER else None
        )
        os.close(writer)
        try:
            process.wait(timeout=random.uniform(0.1, 0.9) * seconds)
        except subprocess.TimeoutExpired:
            counts[name] += 1
            if name == FULL_DISK:
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (SMALL_DISK, SMALL_DISK))
            elif name != LOST_READER:
                process.send_signal(getattr(signal, name))
        os.close(reader)
        process.wait()
    counts["whole runs"] += 1
    counts["lost"] += int(not is_whole(folder))
    shutil.rmtree(folder / "run")


def is_whole(folder: Path) -> bool:
    """Tell whether a run is what it would have been, with nothing left beside it or in TMPDIR."""
    ours, theirs = (read_bundle(folder / name / FILE_NAME).weights for name in ("run", "undisturbed"))
    same = all(np.array_equal(array, theirs[name]) for name, array in ours.items())
    beside = [path.name for path in folder.glob("run*") if path.name not in ("run", "run.toml")]
    # torch keeps a folder for what it compiles.
    left = [path.name for path in (folder / "tmp").iterdir() if not path.name.startswith("torchinductor")]
    if not same or beside or left:
        print(f"weights equal: {same}; beside the run: {beside}; in TMPDIR: {left}", file=sys.stderr)
    return same and not beside and not left


if __name__ == "__main__":
    sys.exit(main())
