"""Disturb trainings and see whether anything is lost: `make chaos`.

A training is killed, signalled, robbed of its disk, its reader or its terminal, at random moments and at
named stages, and started again with ``--resume`` until it is whole. No turn may go back behind the one before
it, no exit code may be wrong, weights and picture must be those of an undisturbed training, bit for bit, and
nothing may lie beside the run or in TMPDIR. The counts stay in the folder: started again, the script goes on.

    .venv/bin/python benchmarks/chaos.py --backend tensorflow --disturbances 20
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import random
import resource
import shutil
import signal
import sys
import tempfile
import termios
import time
from collections import Counter
from contextlib import suppress
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np

from ptycho.bundle.archive import FILE_NAME
from ptycho.bundle.read import read_bundle
from ptycho.commands.main import main as ptycho_main
from ptycho.reconstruction.result import Reconstruction
from ptycho.report.markdown import missing_from
from ptycho.run.record import RECONSTRUCTION
from ptycho.simulate.scan import Simulation, simulate

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
n_groups = 32
nepochs = {epochs}
batch_size = 4
torch_loss_mode = "mae"
probe_warmup_epochs = 3

[inference]
refine_epochs = 6

[execution]
accelerator = "cpu"
threads = 1
"""
FULL_DISK, LOST_READER, LOST_TERMINAL = "full disk", "lost reader", "lost terminal"
DISTURBANCES = (
    "SIGKILL",
    "SIGKILL",
    "SIGKILL",
    "SIGTERM",
    "SIGHUP",
    "SIGUSR1",
    FULL_DISK,
    LOST_READER,
    LOST_TERMINAL,
)
"""What happens to a training; what stands here more often happens more often."""

RIGHT_CODES = {
    "SIGKILL": {-signal.SIGKILL},
    # A signal that comes while Python is still starting ends it in the system's own way.
    "SIGTERM": {128 + signal.SIGTERM, -signal.SIGTERM},
    "SIGHUP": {128 + signal.SIGHUP, -signal.SIGHUP},
    "SIGUSR1": {128 + signal.SIGUSR1, -signal.SIGUSR1},
    LOST_TERMINAL: {128 + signal.SIGHUP, -signal.SIGHUP},
    FULL_DISK: {2},
    LOST_READER: {0},
}
COMPLETED = "completed by finish"
WRONG = ("wrong exit codes", "went back", "lost")
STAGES = (
    "run.json",
    "settings.toml",
    "retrieved.npz",
    ".last-*",
    "last.ckpt",
    "metrics.csv",
    ".wts*",
    "wts.h5.zip",
    "reconstruction.npz",
    "object.png",
    "report.md",
    "report.html",
)
"""Files that appear in a run folder one after the other; a dot begins the name of one being written."""

FRAMES = 40
"""Frames of the scan: with a few sweeps they are explained, and no turn pays for a search of causes."""

SMALL_DISK = 60_000
"""Bytes that a file may have on a full disk: fewer than a checkpoint needs."""

PATIENCE_S = 600.0
LIBRARIES = {"pytorch": ["ptycho_torch.lit.train"], "tensorflow": ["ptycho.tf.backend", "ptycho.tf.train"]}
FORK = get_context("fork")


def main() -> int:
    """Disturb until there were as many disturbances as asked for; 1 where something was lost."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backend", default="pytorch", choices=sorted(LIBRARIES))
    parser.add_argument("--disturbances", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument(
        "--cold",
        type=float,
        default=0.2,
        help="share of the processes that start Python anew; the others have their library from this one",
    )
    parser.add_argument("--seed", type=int, help="repeat the same disturbances at the same stages")
    parser.add_argument("--only", choices=sorted(set(DISTURBANCES)), help="this disturbance alone")
    parser.add_argument("--at", action="append", help="these stages alone, one after the other")
    parser.add_argument("--folder", type=Path, default=Path("outputs/chaos"))
    given = parser.parse_args()
    for module in LIBRARIES[given.backend]:
        import_module(module)
    chaos = Chaos(given)
    while chaos.disturbed() < given.disturbances:
        chaos.one_run()
    for name in (*dict.fromkeys(DISTURBANCES), "turns", "whole runs", COMPLETED, *WRONG):
        print(f"| {given.backend} | {name} | {chaos.counts[name]} |")
    for stage in ("a random moment", *STAGES):
        print(f"| {given.backend} | at {stage} | {chaos.counts[f'at {stage}']} |")
    return int(any(chaos.counts[name] for name in WRONG))


def _code_of(process: BaseProcess) -> int:
    """Wait for the end of a process."""
    process.join(PATIENCE_S)
    if process.exitcode is None:
        raise TimeoutError(f"process {process.pid} has not ended after {PATIENCE_S} s")
    return process.exitcode


class Chaos:
    """Trainings in a folder, and what happened to them.

    Args:
        given: What the command line asks for.
    """

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.folder = (given.folder / given.backend).absolute()
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)
        self._path = self.folder / "counts.json"
        self.counts = Counter(json.loads(self._path.read_text()) if self._path.is_file() else {})
        self._random = random.Random(given.seed)
        self._stages = list(given.at or [])
        self._seconds = self._prepare()

    def disturbed(self) -> int:
        """Count the disturbances so far."""
        return sum(self.counts[name] for name in set(DISTURBANCES))

    def one_run(self) -> None:
        """Train to the end through disturbances, count them, and compare the end with the undisturbed one."""
        self._write_settings("run")
        whole = False
        while not whole:
            before = self._epochs()
            whole = self._one_turn() == 0
            self.counts["turns"] += 1
            self.counts["went back"] += int(self._epochs() < before)
            self._path.write_text(json.dumps(self.counts))
        self.counts["whole runs"] += 1
        if self._is_whole():
            shutil.rmtree(self.folder / "run")
        else:
            self.counts["lost"] += 1
            (self.folder / "run").rename(self.folder / f"lost-{self.counts['whole runs']}")
        with (self.folder / "turns").open("a", encoding="utf-8") as turns:
            turns.write(f"whole run {self.counts['whole runs']}, lost so far: {self.counts['lost']}\n")
        self._path.write_text(json.dumps(self.counts))

    def _one_turn(self) -> int:
        """Train once, disturbed; give the exit code."""
        name = self.given.only or self._random.choice(DISTURBANCES)
        stage = self._choose_stage()
        moment = self._random.uniform(0.1, 1.0) * self._seconds
        known = set(self.folder.glob("run.partial*/*"))
        reader, writer = os.pipe()
        terminal, slave = pty.openpty()
        output = {LOST_READER: writer, LOST_TERMINAL: slave}.get(name)
        process = self._start("train", "run.toml", "--resume", output=output, terminal=name == LOST_TERMINAL)
        os.close(writer)
        os.close(slave)
        for listener in (reader, terminal):
            os.set_blocking(listener, False)
        came = self._wait(process, stage, moment, known, (reader, terminal))
        with suppress(ProcessLookupError):  # It may have ended meanwhile.
            if came and name == FULL_DISK:
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (SMALL_DISK, SMALL_DISK))
            elif came and hasattr(signal, name):
                os.kill(process.pid, getattr(signal, name))
        os.close(reader)
        os.close(terminal)
        code = _code_of(process)
        if came:
            if self._stages:
                self._stages.pop(0)  # one that came too late is tried again
            self.counts[name] += 1
            self.counts[f"at {stage or 'a random moment'}"] += 1
        place = stage or f"{moment:.1f} s"
        with (self.folder / "turns").open("a", encoding="utf-8") as turns:
            turns.write(f"{name} at {place}{'' if came else ', too late'}: {code}, {self._epochs()} epochs\n")
        # Where the run was whole before the disturbance could act, it ended as it should have.
        right = {0} | (RIGHT_CODES[name] if came else set())
        if code not in right:
            self.counts["wrong exit codes"] += 1
            print(f"{name} at {place}: exit code {code}", file=sys.stderr)
        return code

    def _choose_stage(self) -> str:
        if self.given.at:
            return self._stages[0] if self._stages else ""
        return self._random.choice(STAGES) if self._random.random() < 0.7 else ""

    def _wait(
        self,
        process: BaseProcess,
        stage: str,
        moment: float,
        known: set[Path],
        listeners: tuple[int, ...],
    ) -> bool:
        """Wait for a moment, or for a file that was not there before; False where the process ended first."""
        if self.given.at and not stage:
            process.join(PATIENCE_S)
            return False
        began = time.monotonic()
        while process.exitcode is None:
            passed = time.monotonic() - began
            if stage and any(path not in known for path in self.folder.glob(f"run.partial*/{stage}")):
                return True
            if not stage and passed > moment:
                return True
            for listener in listeners:  # A terminal whose output nobody takes holds up whoever writes to it.
                with suppress(OSError):
                    os.read(listener, 2**16)
            if passed > PATIENCE_S:
                raise TimeoutError(f"no {stage} after {PATIENCE_S} s")
            # Between the report and the folder's last name there is hardly a millisecond.
            time.sleep(0.0002 if stage else 0.002)
        return False

    def _epochs(self) -> int:
        """Count the epochs of the attempt that got furthest."""
        if (self.folder / "run").is_dir():
            return int(self.given.epochs)
        resumable = [path.parent for path in self.folder.glob("run.partial*/last.ckpt")]
        tables = [folder / "metrics.csv" for folder in resumable if (folder / "metrics.csv").is_file()]
        return max((len(path.read_text().splitlines()) - 1 for path in tables), default=0)

    def _start(self, *words: str, output: int | None = None, terminal: bool = False) -> BaseProcess:
        """Start a command of ours; its output goes to a file, or to a descriptor, perhaps its terminal."""
        cold = self._random.random() < self.given.cold
        sys.stdout.flush()
        process = FORK.Process(target=self._be, args=(words, output, terminal, cold))
        process.start()
        return process

    def _be(self, words: tuple[str, ...], output: int | None, terminal: bool, cold: bool) -> None:
        """Become the process of a command, in a session of its own."""
        os.setsid()
        # Under nohup this script ignores SIGHUP, and so would its children.
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        os.chdir(self.folder)
        os.environ |= {"TMPDIR": str(self.folder / "tmp"), "OMP_NUM_THREADS": "1"}
        tempfile.tempdir = None
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for stream in (1, 2):
            os.dup2(log if output is None else output, stream)
        if terminal:
            fcntl.ioctl(1, termios.TIOCSCTTY, 0)
        os.closerange(3, 256)
        if cold:
            os.execv(sys.executable, [sys.executable, "-m", "ptycho", *words])
        sys.argv = ["ptycho", *words]
        sys.exit(ptycho_main(list(words)))

    def _write_settings(self, name: str) -> None:
        text = SETTINGS.format(backend=self.given.backend, name=name, epochs=self.given.epochs)
        (self.folder / f"{name}.toml").write_text(text)

    def _prepare(self) -> float:
        """Simulate a scan and train on it undisturbed; give the time that took in seconds."""
        facts = self.folder / "undisturbed.json"
        if not facts.is_file():
            if not (self.folder / "train.npz").is_file():
                simulate(Simulation(n_frames=FRAMES)).to_file(self.folder / "train.npz")
            self._write_settings("undisturbed")
            began = time.perf_counter()
            assert _code_of(self._start("train", "undisturbed.toml")) == 0
            facts.write_text(json.dumps(time.perf_counter() - began))
        return float(json.loads(facts.read_text()))

    def _is_whole(self) -> bool:
        """Tell whether a run is what it would have been, with nothing left beside it or in TMPDIR.

        What found no room on a full disk has to stand in its report, and `ptycho finish` has to make it.
        """
        run, undisturbed = self.folder / "run", self.folder / "undisturbed"
        if missing_from(run):
            self.counts[COMPLETED] += 1
            assert _code_of(self._start("finish", "run")) == 0
        ours, theirs = (read_bundle(folder / FILE_NAME).weights for folder in (run, undisturbed))
        same = all(np.array_equal(array, theirs[name]) for name, array in ours.items())
        first, second = (Reconstruction.load(folder / RECONSTRUCTION).object for folder in (run, undisturbed))
        picture = np.array_equal(first, second)
        files = {path.name for path in undisturbed.iterdir()} ^ {path.name for path in run.iterdir()}
        beside = [path.name for path in self.folder.glob("run*") if path.name not in ("run", "run.toml")]
        # torch keeps a folder for what it compiles.
        temporary = [path.name for path in (self.folder / "tmp").iterdir()]
        left = [name for name in temporary if not name.startswith("torchinductor")]
        if not same or not picture or beside or left or files:
            print(
                f"weights equal: {same}; picture equal: {picture}; beside the run: {beside}; "
                f"in TMPDIR: {left}; files: {files}",
                file=sys.stderr,
            )
        return same and picture and not beside and not left and not files


if __name__ == "__main__":
    sys.exit(main())
