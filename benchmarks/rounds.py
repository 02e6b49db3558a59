"""Both backends on the same cases, each in processes of its own, in turns: A B A B."""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

BACKENDS = ("pytorch", "tensorflow")
Figures = dict[str, float]


@dataclass(frozen=True)
class Case:
    """What is measured.

    Attributes:
        backend: Who does it.
        architecture: "cnn" or "unet".
        N: Side of a frame.
        gridsize: Side of a group.
        frames: Frames of the simulated scan, and groups drawn from them.
        threads: CPU threads.
        accelerator: cpu, cuda or mps.
        folder: Where the scans are, and what the processes leave for each other.
        epochs: Epochs that are timed.
        bare: Time a plain loop over the same steps too.
    """

    backend: str
    architecture: str
    N: int
    gridsize: int
    frames: int
    threads: int
    accelerator: str
    folder: str
    epochs: int = 0
    bare: bool = False

    @property
    def name(self) -> str:
        """The case without its backend."""
        return f"{self.architecture}-{self.N}-{self.gridsize}"

    @property
    def scan_file(self) -> Path:
        """The scan of the case."""
        return Path(self.folder) / f"scan-{self.N}.npz"

    @property
    def unseen_file(self) -> Path:
        """A scan of another object by the same beam."""
        return Path(self.folder) / f"unseen-{self.N}.npz"

    @property
    def settings(self) -> dict[str, Any]:
        """Overrides that describe the network and the machine."""
        named = {f"model.{name}": getattr(self, name) for name in ("architecture", "N", "gridsize")}
        return named | {
            "training.backend": self.backend,
            "inference.backend": self.backend,
            "execution.accelerator": self.accelerator,
            "execution.threads": self.threads,
        }


def parser_of(description: str | None, *, frames: int) -> argparse.ArgumentParser:
    """Declare what every contest takes."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--backend", choices=("both", *BACKENDS), default="both", help="who competes (default: both)")
    add("--architecture", nargs="+", choices=("cnn", "unet"), default=["cnn", "unet"], help="default: both")
    add("--N", nargs="+", type=int, default=[64, 128], help="sides of a frame (default: 64 128)")
    add("--gridsize", nargs="+", type=int, default=[1, 2], help="sides of a group (default: 1 2)")
    add("--frames", type=int, default=frames, help="frames of the simulated scan (default: %(default)s)")
    add("--threads", type=int, default=1, help="CPU threads (default: %(default)s)")
    add("--accelerator", default="cpu", help="cpu, cuda or mps (default: %(default)s)")
    add("--rounds", type=int, default=2, help="processes of each backend for a case (default: %(default)s)")
    add("--case", help=argparse.SUPPRESS)
    return parser


def contests(script: str, options: argparse.Namespace) -> Iterator[tuple[Case, dict[str, Figures]]]:
    """Measure every case that the options ask for, the backends in turns.

    Yields:
        A case, and for each backend the best figures of its rounds.
    """
    backends = BACKENDS if options.backend == "both" else (options.backend,)
    with tempfile.TemporaryDirectory() as folder:
        for case in _cases(options, folder):
            _simulate(case)
            rounds: dict[str, list[Figures]] = {name: [] for name in backends}
            for _ in range(options.rounds):
                for name in backends:
                    rounds[name].append(_run_alone(script, asdict(case) | {"backend": name}))
            yield case, {name: _best(figures) for name, figures in rounds.items()}


def _cases(options: argparse.Namespace, folder: str) -> Iterator[Case]:
    for architecture in options.architecture:
        for N in options.N:
            for gridsize in options.gridsize:
                machine = (options.threads, options.accelerator, folder)
                more = {name: value for name, value in vars(options).items() if name in ("epochs", "bare")}
                yield Case("", architecture, N, gridsize, options.frames, *machine, **more)


def _simulate(case: Case) -> None:
    from ptycho.simulate.scan import Simulation, simulate

    for seed, path in enumerate((case.scan_file, case.unseen_file)):
        if not path.exists():
            chosen = Simulation(N=case.N, n_frames=case.frames, seed=seed, object_seed=seed)
            simulate(chosen).to_file(path)


def _run_alone(script: str, case: dict[str, Any]) -> Figures:
    """Measure in a new process, so that its peak memory and its one-off costs are its own."""
    threads = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"} | dict.fromkeys(threads, str(case["threads"]))
    if case["accelerator"] == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = ""
    done = subprocess.run(
        [sys.executable, script, "--case", json.dumps(case)],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    if done.returncode:
        raise SystemExit(f"{case['backend']} failed:\n{done.stderr}")
    found: Figures = json.loads(done.stdout.splitlines()[-1])
    return found


def _best(rounds: Sequence[Figures]) -> Figures:
    """Take the fastest time of all rounds, which other programs disturbed least; of the rest the median."""
    return {
        name: min(each[name] for each in rounds)
        if name.endswith("_s")
        else statistics.median(each[name] for each in rounds)
        for name in rounds[0]
    }


def peak_mb() -> float:
    """Give the largest memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def answer(measured: Figures) -> None:
    """Tell the process that asked."""
    print(json.dumps(measured))


def header(columns: Sequence[str], backends: Sequence[str]) -> str:
    """Write the first lines of a table with a column for each backend, and a ratio where there are two."""
    short = {"pytorch": "torch", "tensorflow": "TF"}
    names = [f"{column} {short[name]}" for column in columns for name in backends]
    if len(backends) > 1:
        names += [f"{column} TF / torch" for column in columns]
    return f"| case | {' | '.join(names)} |\n|{'---|' * (len(names) + 1)}"


def row(case: Case, columns: Sequence[str], figures: dict[str, Figures]) -> str:
    """Write one line of it."""
    cells = [f"{figures[name][column]:.4g}" for column in columns for name in figures]
    if len(figures) > 1:
        torch, keras = (figures[name] for name in BACKENDS)
        cells += [f"{keras[column] / torch[column]:.2f}" if torch[column] else "-" for column in columns]
    return f"| {case.name} | {' | '.join(cells)} |"
