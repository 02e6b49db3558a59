"""Trainings of both backends side by side: samples per second, memory, and the correlation that they reach.

Each backend trains the same cases in processes of its own, in turns, through the functions behind `ptycho
train`. A sample is one diffraction frame of a group. Seconds are wall time of the fastest epoch but the
first, whose own column holds what compiling costs; "CPU share" is the processor time of the training over its
wall time: well below the number of threads, other programs were in the way. The correlation is that of the
phase of the network alone on a scan of another object; "per minute" divides it by the minutes of all epochs.

    .venv/bin/python benchmarks/train.py --backend both
    .venv/bin/python benchmarks/train.py --backend both --architecture unet --N 64 --gridsize 2 --epochs 8
    .venv/bin/python benchmarks/train.py --backend pytorch --bare
"""

import argparse
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rounds import BACKENDS, Case, Figures, answer, contests, header, parser_of, peak_mb, row

COLUMNS = {
    "samples/s": "samples_per_s",
    "s/epoch": "epoch_s",
    "first epoch s": "first_epoch_s",
    "peak MB": "peak_mb",
    "CPU share": "cpu_share",
    "phase r": "correlation",
    "phase r / min": "correlation_per_minute",
}


def main() -> None:
    """Print the table, one line as soon as it is known."""
    parser = parser_of(__doc__, frames=128)
    parser.add_argument("--epochs", type=int, default=5, help="epochs of a training (default: %(default)s)")
    parser.add_argument(
        "--bare", action="store_true", help="what Lightning costs: torch against a plain loop over its steps"
    )
    options = parser.parse_args()
    if options.case is not None:
        case = Case(**json.loads(options.case))
        answer(measure(case) | (bare(case) if case.bare else {}))
        return
    if options.bare:
        compare_with_bare_loop(options)
        return
    backends = BACKENDS if options.backend == "both" else (options.backend,)
    print(header(list(COLUMNS), backends), flush=True)
    for case, found in contests(__file__, options):
        shown = {
            name: {title: figures[key] for title, key in COLUMNS.items()}
            for name, figures in ((name, completed(case, each)) for name, each in found.items())
        }
        print(row(case, list(COLUMNS), shown), flush=True)


def completed(case: Case, figures: Figures) -> Figures:
    """Add the figures that follow from the best times of all rounds."""
    samples = figures["groups"] * case.gridsize**2
    return figures | {"samples_per_s": samples / figures["epoch_s"]}


def compare_with_bare_loop(options: argparse.Namespace) -> None:
    """Print how much of the speed of a plain loop is left."""
    options.backend = BACKENDS[0]
    print("| case | s/epoch | s/epoch, bare loop | ratio |\n|---|---|---|---|", flush=True)
    for case, found in contests(__file__, options):
        trained, alone = (found[BACKENDS[0]][name] for name in ("epoch_s", "bare_epoch_s"))
        print(f"| {case.name} | {trained:.3g} | {alone:.3g} | {trained / alone:.2f} |", flush=True)


def measure(case: Case) -> Figures:
    """Train, and judge the network on a scan that it has not seen."""
    from ptycho.metrics.comparison import compare
    from ptycho.raw_data import RawData
    from ptycho.run.settings import prepare_training
    from ptycho.workflows.backend_selector import load_backend

    backend, scan = load_backend(case.backend), RawData.from_file(case.scan_file)
    resolution = resolved(case, case.epochs)
    with TemporaryDirectory() as folder:
        prepared = prepare_training(resolution, case.backend)
        began, cpu_began = time.perf_counter(), time.process_time()
        training = backend.train(prepared, scan, Path(folder))
        share = (time.process_time() - cpu_began) / (time.perf_counter() - began)
    peak = peak_mb()
    seconds = [row["seconds"] for row in training.history]
    unseen = RawData.from_file(case.unseen_file)
    comparison = compare(backend.reconstruct(training.model, training.resolution, unseen), unseen)
    correlation = 0.0 if comparison is None else comparison.scores.phase.correlation
    return {
        "groups": case.frames,
        "epoch_s": min(seconds[1:] or seconds),
        "first_epoch_s": seconds[0],
        "peak_mb": peak,
        "cpu_share": share,
        "correlation": correlation,
        "correlation_per_minute": correlation / (sum(seconds) / 60),
    }


def resolved(case: Case, epochs: int) -> Any:
    """Resolve the settings of a training without a validation set."""
    from ptycho.run.resolve import resolve_run

    chosen = {
        "training.train_data_file": case.scan_file,
        "training.n_groups": case.frames,
        "training.nepochs": epochs,
        "training.batch_size": 8,
        "training.validation_fraction": 0.0,
        "training.torch_loss_mode": "mae",
        "inference.refine_epochs": 0,
        "execution.learning_rate": 2e-3,
        "execution.enable_checkpointing": False,
        "execution.logger_backend": "none",
    }
    return resolve_run("train", overrides=case.settings | chosen)


def bare(case: Case) -> Figures:
    """Time the fastest epoch of a plain loop over the same batches: network, loss and optimiser alone."""
    import torch

    from ptycho.raw_data import RawData
    from ptycho_torch.config_factory import training_payload
    from ptycho_torch.lit.devices import device_of
    from ptycho_torch.lit.train import open_loop
    from ptycho_torch.nn.threads import limited

    payload = training_payload(resolved(case, case.epochs))
    with limited(case.threads), TemporaryDirectory() as folder:
        loop = open_loop(payload, RawData.from_file(case.scan_file), Path(folder))
        device = device_of(payload.execution_config)
        module = loop.module.to(device)
        module.on_fit_start()
        optimizer: Any = module.configure_optimizers()
        times = []
        for _ in range(case.epochs):
            began = time.perf_counter()
            for batch in loop.train:
                optimizer.zero_grad()
                loss, _ = module.evaluate(type(batch)(*(None if t is None else t.to(device) for t in batch)))
                loss.backward()
                optimizer.step()
            if device.type == "cuda":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - began)
    return {"bare_epoch_s": min(times[1:] or times)}


if __name__ == "__main__":
    main()
