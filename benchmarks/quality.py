"""How well a network reconstructs what it has never seen: the demo scan and the real Siemens star.

Each target trains on one scan and is scored on another one, with the network alone and after the refinement
against the other scan's own frames. Run it with the machine otherwise idle:

    .venv/bin/python benchmarks/quality.py --help
    .venv/bin/python benchmarks/quality.py --backend tensorflow --targets demo siemens-probe
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ptycho.config.config import PyTorchExecutionConfig
from ptycho.files import npz
from ptycho.metrics.comparison import Comparison, compare
from ptycho.raw_data import RawData
from ptycho.reconstruction.result import Reconstruction
from ptycho.report.figures.comparison import save_comparison
from ptycho.run.resolve import resolve_run
from ptycho.run.settings import prepare_training
from ptycho.simulate.scan import Simulation, simulate
from ptycho.workflows.backend_selector import load_backend
from ptyconf import Resolution

SIEMENS = "siemens_star_aps_N128.npz"

NETWORK: dict[str, Any] = {
    "model.architecture": "unet",
    "model.gridsize": 2,
    "model.amp_activation": "sigmoid",
    "model.intensity_scale_trainable": True,
    "training.neighbor_count": 6,
    "training.batch_size": 4,
    "training.torch_loss_mode": "mae",
}
"""The settings of examples/quickstart.toml."""


@dataclass(frozen=True)
class Target:
    """What is to be reached.

    Attributes:
        title: One line for the table.
        make_scans: Writes the scan to train on and the unseen one into a folder.
        epochs: Passes over the training scan.
        limit_s: Training time allowed.
        needed: Smallest amplitude and phase correlation; 0 asks for nothing.
        settings: Settings beyond those of every target.
        reference: What the object in the file is.
    """

    title: str
    make_scans: Callable[[Path, Path], tuple[Path, Path]]
    epochs: int
    limit_s: float
    needed: tuple[float, float]
    settings: dict[str, Any] = field(default_factory=dict)
    reference: str = "reference"


@dataclass(frozen=True)
class Result:
    """What was reached.

    Attributes:
        training_s: Wall time of the training, probe retrieval included.
        cpu_s: Processor time of the same.
        samples_per_s: Groups learned from in a second of training.
        infer_s: Wall time of reconstruction without refinement.
        refine_s: Wall time that the refinement adds.
        network: Network alone against the reference.
        refined: The same after refinement.
    """

    training_s: float
    cpu_s: float
    samples_per_s: float
    infer_s: float
    refine_s: float
    network: Comparison
    refined: Comparison


def make_demo(folder: Path, _: Path) -> tuple[Path, Path]:
    """Simulate two objects, scanned by the same beam along different positions."""
    paths = folder / "demo_train.npz", folder / "demo_unseen.npz"
    for seed, path in enumerate(paths):
        simulate(Simulation(seed=seed, object_seed=seed)).to_file(path)
    return paths


def _split_siemens(folder: Path, data: Path, name: str, probe_key: str) -> tuple[Path, Path]:
    source = data / SIEMENS
    arrays = {key: npz.read_array(source, key) for key in ("diff3d", "xcoords", "ycoords", "objectGuess")}
    probe = npz.read_array(source, probe_key)
    arrays["probeGuess"] = probe[0] if probe.ndim == 3 else probe
    upper = arrays["ycoords"] < np.median(arrays["ycoords"])
    paths = folder / f"{name}_train.npz", folder / f"{name}_unseen.npz"
    for path, chosen in zip(paths, (upper, ~upper), strict=True):
        per_frame = {key: arrays[key][chosen] for key in ("diff3d", "xcoords", "ycoords")}
        npz.write(path, arrays | per_frame)
    return paths


def make_siemens_probe(folder: Path, data: Path) -> tuple[Path, Path]:
    """Split the star by rows; the probe is the main mode of the file's reconstruction."""
    return _split_siemens(folder, data, "siemens_probe", "recon_probe_modes")


def make_siemens_guess(folder: Path, data: Path) -> tuple[Path, Path]:
    """Split the star by rows; the probe is the analytic guess alone."""
    return _split_siemens(folder, data, "siemens_guess", "probeGuess")


STAR: dict[str, Any] = {"data.quantity": "counts"}
TARGETS = {
    "demo": Target("simulated scan, other object", make_demo, 8, 300, (0.90, 0.90), reference="truth"),
    "siemens-probe": Target(
        "Siemens star, other half, known main mode", make_siemens_probe, 5, 180, (0.0, 0.95), STAR
    ),
    "siemens-modes": Target(
        "the same, two more modes learned",
        make_siemens_probe,
        5,
        180,
        (0.0, 0.95),
        STAR | {"model.probe_modes": 3, "training.probe_warmup_epochs": 20},
    ),
    "siemens-guess": Target(
        "the same from the analytic probe guess",
        make_siemens_guess,
        6,
        600,
        (0.0, 0.85),
        STAR | {"model.probe_modes": 3, "training.probe_warmup_epochs": 20},
    ),
}


def measure(target: Target, data: Path, folder: Path, options: argparse.Namespace) -> Result:
    """Train, reconstruct with and without refinement, and score."""
    backend = load_backend(options.backend)
    train_file, unseen_file = target.make_scans(folder, data)
    scan, unseen = RawData.from_file(train_file), RawData.from_file(unseen_file)
    run_dir = Path(tempfile.mkdtemp(dir=folder))
    overrides = (
        NETWORK
        | target.settings
        | {
            "training.backend": options.backend,
            "training.train_data_file": train_file,
            "training.output_dir": run_dir,
            "training.n_groups": scan.n_frames,
            "training.nepochs": options.epochs or target.epochs,
            "training.seed": options.seed,
        }
    )
    execution = PyTorchExecutionConfig(
        accelerator=options.accelerator, learning_rate=2e-3, scheduler="WarmupCosine", logger_backend=None
    )

    def settle(sweeps: int) -> Resolution:
        wanted = overrides | {"inference.refine_epochs": sweeps}
        return resolve_run("train", overrides=wanted, execution_config=execution)

    prepared = prepare_training(settle(0), options.backend)
    began, cpu_began = time.perf_counter(), time.process_time()
    trained = backend.train(prepared, scan, run_dir)
    training_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    steps = scan.n_frames * len(trained.history) / trained.seconds

    def picture(sweeps: int) -> tuple[float, Reconstruction]:
        start = time.perf_counter()
        found = backend.reconstruct(trained.model, settle(sweeps), unseen)
        return time.perf_counter() - start, found

    plain_s, plain = picture(0)
    whole_s, whole = picture(options.sweeps)
    network, refined = compare(plain, unseen), compare(whole, unseen)
    if network is None or refined is None:
        raise ValueError(f"{unseen_file} holds no object to compare with")
    if options.pictures:
        for name, comparison in (("network", network), ("refined", refined)):
            target_file = options.pictures / f"{train_file.stem.removesuffix('_train')}_{name}.png"
            save_comparison(
                target_file,
                comparison.reconstruction,
                comparison.reference,
                mask=comparison.mask,
                reference_name=target.reference,
            )
    return Result(training_s, cpu_s, steps, plain_s, whole_s - plain_s, network, refined)


def row(target: Target, result: Result) -> str:
    """Write one line of the table."""

    def scores(comparison: Comparison) -> str:
        a, p = comparison.scores.amplitude, comparison.scores.phase
        return f"{a.correlation:.3f} / {p.correlation:.3f} ({p.rmse:.3f})"

    network = result.network.scores
    reached = (
        network.amplitude.correlation >= target.needed[0]
        and network.phase.correlation >= target.needed[1]
        and result.training_s <= target.limit_s
    )
    times = f"{result.infer_s:.0f} + {result.refine_s:.0f}"
    needed = " / ".join(f"{value:.2f}" if value else "-" for value in target.needed)
    return (
        f"| {target.title} | {result.training_s:.0f} ({result.cpu_s:.0f}) | {result.samples_per_s:.0f} "
        f"| {scores(result.network)} | {scores(result.refined)} | {times} "
        f"| {needed} in {target.limit_s:.0f} s | {'yes' if reached else 'NO'} |"
    )


def main() -> None:
    """Print the table, one line as soon as it is known."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--backend", choices=["pytorch", "tensorflow"], default="pytorch", help="default pytorch"
    )
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS))
    parser.add_argument(
        "--epochs", type=int, help="passes over the training scan, in place of the target's own"
    )
    parser.add_argument("--sweeps", type=int, default=10, help="sweeps of refinement (default 10)")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and order (default 0)")
    parser.add_argument("--accelerator", default="cpu", help="cpu, cuda, mps or auto (default cpu)")
    parser.add_argument("--pictures", type=Path, help="folder for comparison pictures")
    options = parser.parse_args()
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    data = Path(os.environ.get("PTYCHO_SHARED_DATA", "../shared/data"))
    print(
        "| target | training s (CPU s) | groups/s | network alone: amplitude r / phase r (phase RMSE) "
        "| refined | reconstruction s + refinement s | needed of the network alone | reached |"
    )
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.targets:
            target = TARGETS[name]
            print(row(target, measure(target, data, Path(folder), options)), flush=True)


if __name__ == "__main__":
    main()
