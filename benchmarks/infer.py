"""Reconstructions of both backends side by side: patches per second, with stitching and without, and memory.

Both backends load one and the same bundle, trained for one epoch by the first of them, and reconstruct a scan
in processes of their own, in turns. "network" is the network alone, group after group, in the portions
of a reconstruction; "stitched" is the function behind `ptycho infer`, from the frames to the picture, without
refinement; "first" is the same in a new process, with all that is done once. "sweep" is one sweep of the
refinement over all frames. "difference" is the relative l2 distance between the pictures of both backends.

    .venv/bin/python benchmarks/infer.py --backend both
    .venv/bin/python benchmarks/infer.py --backend both --architecture unet --N 64 --gridsize 2
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rounds import BACKENDS, Case, Figures, answer, contests, header, parser_of, peak_mb, row

COLUMNS = {
    "network patches/s": ("patches", "network_s"),
    "stitched patches/s": ("patches", "stitched_s"),
    "first, s": ("first_s", None),
    "sweep, s": ("sweep_s", None),
    "peak MB": ("peak_mb", None),
}
SWEEPS = 10


def main() -> None:
    """Print the table, one line as soon as it is known."""
    parser = parser_of(__doc__, frames=256)
    parser.add_argument("--train", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train is not None:
        train(Case(**json.loads(options.train)))
        return
    if options.case is not None:
        answer(measure(Case(**json.loads(options.case))))
        return
    backends = BACKENDS if options.backend == "both" else (options.backend,)
    head, rule = header(list(COLUMNS), backends).splitlines()
    print(f"{head} difference |\n{rule}---|", flush=True)
    for case, found in contests(__file__, options):
        shown = {
            name: {
                title: figures[over] / (figures[under] if under else 1)
                for title, (over, under) in COLUMNS.items()
            }
            for name, figures in found.items()
        }
        print(f"{row(case, list(COLUMNS), shown)} {difference(case, backends)} |", flush=True)


def measure(case: Case) -> Figures:
    """Load the bundle of the case, which the first process trains, and time what reconstructs."""
    from ptycho.backends.trained_network import open_network
    from ptycho.raw_data import RawData
    from ptycho.run.resolve import resolve_run
    from ptycho.run.settings import prepare_inference
    from ptycho.workflows.backend_selector import load_backend

    archive = archive_of(case)
    if not archive.exists():  # In a process of its own: its memory and its compiling are not ours.
        subprocess.run([sys.executable, __file__, "--train", json.dumps(asdict(case))], check=True)
    trained, backend = open_network(archive), load_backend(case.backend)
    scan = RawData.from_file(case.unseen_file)
    chosen = {
        "inference.model_path": archive.parent,
        "inference.test_data_file": case.unseen_file,
        "inference.refine_epochs": 0,
    }
    settings = {name: value for name, value in case.settings.items() if not name.startswith("model.")}

    def resolution(**more: int) -> Any:
        overrides = settings | chosen | {f"inference.{name}": value for name, value in more.items()}
        settings_in_force = resolve_run("infer", overrides=overrides, extra_layers=[trained.layer])
        return prepare_inference(settings_in_force, case.backend).resolution

    plain, refining = resolution(), resolution(refine_epochs=SWEEPS)
    backend.begin(plain)
    model = trained.load(case.backend)
    first_s, reconstruction = timed(lambda: backend.reconstruct(model, plain, scan))
    np.save(picture_file(case, case.backend), reconstruction.object)
    stitched_s = min(timed(lambda: backend.reconstruct(model, plain, scan))[0] for _ in range(2))
    backend.reconstruct(model, refining, scan)
    refined_s, _ = timed(lambda: backend.reconstruct(model, refining, scan))
    groups = batches(scan, model.normalisation, case.gridsize)

    def network() -> None:
        for X, relative in groups:
            backend.infer_patches(model, X, relative)

    network()
    return {
        "patches": scan.n_frames,
        "network_s": min(timed(network)[0] for _ in range(2)),
        "stitched_s": stitched_s,
        "first_s": first_s,
        "sweep_s": (refined_s - stitched_s) / SWEEPS,
        "peak_mb": peak_mb(),
    }


def archive_of(case: Case) -> Path:
    """Name the bundle of a case, which both backends load."""
    return Path(case.folder) / case.name / "wts.h5.zip"


def train(case: Case) -> None:
    """Train for one epoch and leave a bundle."""
    from ptycho.bundle.write import write_bundle
    from ptycho.raw_data import RawData
    from ptycho.run.resolve import resolve_run
    from ptycho.run.settings import prepare_training
    from ptycho.workflows.backend_selector import load_backend

    backend = load_backend(case.backend)
    chosen = {
        "training.train_data_file": case.scan_file,
        "training.n_groups": 32,
        "training.nepochs": 1,
        "execution.enable_checkpointing": False,
        "execution.logger_backend": "none",
    }
    prepared = prepare_training(resolve_run("train", overrides=case.settings | chosen), case.backend)
    with TemporaryDirectory() as folder:
        training = backend.train(prepared, RawData.from_file(case.scan_file), Path(folder))
    archive = archive_of(case)
    write_bundle(archive, backend.pack(training.model, training.resolution, archive.parent))


def batches(scan: Any, normalisation: Any, gridsize: int) -> list[tuple[Any, Any]]:
    """Cut a scan into the portions that a reconstruction on the CPU gives to the network."""
    from ptycho.reconstruction.groups import groups_at_once, of_equal_reach, own_groups
    from ptycho.reconstruction.picture import scales
    from ptycho.scan.frame_store import store_frames
    from ptycho.scan.grouping import relative_coordinates

    factor, _ = scales(normalisation, scan, [])
    store = store_frames(scan, factor, np.arange(scan.n_frames)).store
    groups, size = own_groups(scan.positions, gridsize), groups_at_once(scan.N)
    relative = relative_coordinates(scan.positions, groups).astype(np.float32)
    cut = []
    for alike in of_equal_reach(relative):
        for start in range(0, len(alike), size):
            rows = alike[start : start + size]
            members, inverse = np.unique(groups[rows], return_inverse=True)
            cut.append((store.frames(members)[inverse.reshape(len(rows), -1)], relative[rows]))
    return cut


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Give the wall time of something, and what it gave."""
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def picture_file(case: Case, backend: str) -> Path:
    """Name the file in which a backend leaves its picture."""
    return Path(case.folder) / f"{case.name}-{backend}.npy"


def difference(case: Case, backends: tuple[str, ...]) -> str:
    """Compare the pictures of two backends."""
    pictures = [np.load(picture_file(case, name)) for name in backends]
    if len(pictures) < 2:
        return "-"
    return f"{np.linalg.norm(pictures[1] - pictures[0]) / np.linalg.norm(pictures[0]):.1e}"


if __name__ == "__main__":
    main()
