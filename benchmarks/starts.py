"""What sweeps make of a scan that a network learned from: from its picture, and from the one found before.

A training retrieves the probe by sweeps and keeps the picture that they find beside it. Each scan is learned
from, and its picture refined twice: from the network's alone, and as `ptycho train` does it, which takes the
better of both. The simulated scans are those of `benchmarks/contest.py`; of the star the upper half is
learned from, with the analytic probe and three modes. Run it with the machine otherwise idle:

    .venv/bin/python benchmarks/starts.py --help
    .venv/bin/python benchmarks/starts.py --cases 1e9 1e4 --epochs 3
"""

import argparse
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from contest import CASES, STAR, scan_of, timed, write_scan
from quality import NETWORK, TARGETS, make_siemens_guess

from ptycho.config.config import PyTorchExecutionConfig
from ptycho.metrics.comparison import compare
from ptycho.raw_data import RawData
from ptycho.reconstruction.result import Reconstruction
from ptycho.run.resolve import resolve_run
from ptycho.run.settings import prepare_training
from ptycho.workflows.backend_selector import load_backend

SIMULATED = ("1e9", "1e5", "1e4")


def scan_file(name: str, folder: Path, data: Path) -> tuple[Path, dict[str, Any]]:
    """Write the scan that a network learns from, and give the settings that go with it."""
    if name == STAR:
        return make_siemens_guess(folder, data)[0], TARGETS["siemens-guess"].settings
    scan, _ = scan_of(CASES[name])
    file = folder / f"{name}.npz"
    return file, CASES[name].settings | write_scan(scan, file) | {"training.probe_warmup_epochs": 20}


def rows_of(name: str, folder: Path, data: Path, options: argparse.Namespace) -> list[str]:
    """Train on a scan, refine its picture from both starts, and give a line of the table for each."""
    backend = load_backend(options.backend)
    file, settings = scan_file(name, folder, data)
    overrides = NETWORK | settings
    overrides |= {
        "training.backend": options.backend,
        "training.train_data_file": file,
        "training.output_dir": folder / "run",
        "training.nepochs": options.epochs,
        "inference.refine_epochs": options.sweeps,
        "inference.compare_flat": False,
    }
    execution = PyTorchExecutionConfig(
        accelerator="cpu", learning_rate=2e-3, scheduler="WarmupCosine", logger_backend=None
    )
    scan = RawData.from_file(file)
    overrides["training.n_groups"] = scan.n_frames
    resolution = resolve_run("train", overrides=overrides, execution_config=execution)
    trained = backend.train(prepare_training(resolution, options.backend), scan, folder / "run")
    without = replace(trained.model, retrieved=())
    lines = []
    for how, model in (("from the network's picture", without), ("the better of both", trained.model)):
        made, seconds = timed(lambda model=model: backend.reconstruct(model, trained.resolution, scan))
        lines.append(f"| {name} | {how} | {scores(made, scan)} | {made.refined_from} | {seconds:.1f} |")
    return lines


def scores(made: Reconstruction, scan: RawData) -> str:
    """Say how near a picture comes to the object in the file."""
    near = compare(made, scan).scores
    return f"{near.amplitude.ssim:.3f} | {near.phase.correlation:.3f} | {near.phase.rmse:.4f}"


def main() -> None:
    """Print the table, the lines of a scan as soon as they are known."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", nargs="+", default=[*SIMULATED, STAR], choices=[*CASES, STAR])
    parser.add_argument("--backend", default="pytorch", choices=("pytorch", "tensorflow"))
    parser.add_argument("--epochs", type=int, default=3, help="of the training (default: %(default)s)")
    parser.add_argument("--sweeps", type=int, default=10, help="of the refinement (default: %(default)s)")
    options = parser.parse_args()
    data = Path(os.environ.get("PTYCHO_SHARED_DATA", "../shared/data"))
    print("| scan | refined | amplitude SSIM | phase r | phase RMSE | taken from | CPU s |")
    print("|---|---|---|---|---|---|---|")
    for name in options.cases:
        with tempfile.TemporaryDirectory() as folder:
            print("\n".join(rows_of(name, Path(folder), data, options)), flush=True)


if __name__ == "__main__":
    main()
