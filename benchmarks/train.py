"""Speed and memory of trainings: samples per second, peak memory, and what Lightning costs.

Run: python benchmarks/train.py [--help]. Each case is a process of its own. A sample is one diffraction
frame; the bare loop is the same network, loss and optimiser without Lightning. On one CPU thread the clock
counts CPU seconds, which other programs do not disturb; otherwise it counts seconds.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REFERENCE = {"cnn-64-1": 18.9}
"""Samples per CPU second of the public project's torch network (N = 64, gridsize 1, n_filters_scale 2)."""


def main() -> None:
    """Measure every case that the arguments ask for, and print a table with ratios."""
    arguments = parse()
    if arguments.case is not None:
        print(json.dumps(measure(json.loads(arguments.case))))
        return
    heads = ("threads", "train /s", "bare /s", "ratio", "peak MB", "vs public")
    print(f"{'case':<12}" + "".join(f"{head:>10}" for head in heads))
    for name in arguments.cases:
        for threads in arguments.threads:
            print(row(name, run_alone(name, threads, arguments)), flush=True)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--cases",
        nargs="+",
        default=["cnn-64-1", "unet-64-1", "unet-64-2", "unet-128-1"],
        metavar="ARCHITECTURE-N-GRIDSIZE",
        help="what to train (default: %(default)s)",
    )
    parser.add_argument(
        "--threads", nargs="+", type=int, default=[1], help="CPU threads (default: %(default)s)"
    )
    parser.add_argument(
        "--frames", type=int, default=128, help="frames of the simulated scan (default: %(default)s)"
    )
    parser.add_argument("--epochs", type=int, default=3, help="epochs that are timed (default: %(default)s)")
    parser.add_argument("--accelerator", default="cpu", help="cpu, cuda or mps (default: %(default)s)")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    return parser.parse_args()


def run_alone(name: str, threads: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure one case in a process of its own, so that its peak memory is its own."""
    architecture, N, gridsize = name.split("-")
    case = {
        "architecture": architecture,
        "N": int(N),
        "gridsize": int(gridsize),
        "threads": threads,
        "frames": arguments.frames,
        "epochs": arguments.epochs,
        "accelerator": arguments.accelerator,
    }
    done = subprocess.run(
        [sys.executable, __file__, "--case", json.dumps(case)], check=True, capture_output=True, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def row(name: str, found: dict[str, Any]) -> str:
    """Write one line of the table."""
    known = REFERENCE.get(name)
    against = f"{found['trained'] / known:.2f}" if known and found["threads"] == 1 else "-"
    ratio = found["trained"] / found["bare"]
    return (
        f"{name:<12}{found['threads']:>10}{found['trained']:>10.1f}{found['bare']:>10.1f}"
        f"{ratio:>10.2f}{found['peak_mb']:>10.0f}{against:>10}"
    )


def clock(case: dict[str, Any]) -> float:
    """Read CPU seconds where one thread does the work, else seconds."""
    alone = case["accelerator"] == "cpu" and case["threads"] == 1
    return time.process_time() if alone else time.perf_counter()


def measure(case: dict[str, Any]) -> dict[str, Any]:
    """Train under Lightning, then repeat the same steps bare."""
    from ptycho.config.config import PyTorchExecutionConfig
    from ptycho.raw_data import RawData
    from ptycho.scan.simulate import Simulation, simulate
    from ptycho_torch.config_factory import create_training_payload
    from ptycho_torch.lit.train import train

    with tempfile.TemporaryDirectory() as folder:
        settings = Simulation(N=case["N"], n_frames=case["frames"])
        scan = RawData.from_file(simulate(settings).to_file(Path(folder) / "scan.npz"))
        overrides = {name: case[name] for name in ("architecture", "N", "gridsize")}
        overrides |= {"n_groups": case["frames"], "validation_fraction": 0.0}
        execution = PyTorchExecutionConfig(
            accelerator=case["accelerator"], threads=case["threads"], enable_checkpointing=False
        )

        def seconds(epochs: int) -> float:
            chosen = overrides | {"nepochs": epochs}
            payload = create_training_payload(Path(folder) / "scan.npz", folder, chosen, execution)
            began = clock(case)
            train(payload, scan, Path(folder) / "run")
            return clock(case) - began

        once = seconds(1)
        trained = (seconds(1 + case["epochs"]) - min(once, seconds(1))) / case["epochs"]
        payload = create_training_payload(Path(folder) / "scan.npz", folder, overrides, execution)
        bare = bare_epoch(payload, scan, case)
    samples = case["frames"] * case["gridsize"] ** 2
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return {
        "threads": case["threads"],
        "trained": samples / trained,
        "bare": samples / bare,
        "peak_mb": peak,
    }


def bare_epoch(payload: Any, scan: Any, case: dict[str, Any]) -> float:
    """Time the fastest epoch of a plain loop over the same batches."""
    import torch

    from ptycho_torch.lit.preparation import prepare
    from ptycho_torch.lit.threads import limited
    from ptycho_torch.lit.trainer import device_of

    with limited(case["threads"]):
        job = prepare(payload, scan, None)
        device = device_of(payload.execution_config)
        module = job.module.to(device)
        module.on_fit_start()
        optimizer = module.configure_optimizers()
        times = []
        for _ in range(case["epochs"]):
            began = clock(case)
            for batch in job.train:
                optimizer.zero_grad()
                loss, _ = module.evaluate(type(batch)(*(None if t is None else t.to(device) for t in batch)))
                loss.backward()
                optimizer.step()
            if device.type == "cuda":
                torch.cuda.synchronize()
            times.append(clock(case) - began)
    return min(times)


if __name__ == "__main__":
    main()
