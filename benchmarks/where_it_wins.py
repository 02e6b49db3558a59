"""Where a network for every scan wins: quality against processor seconds, with and without it.

Every scan was never seen by the network. For each there are pictures of the network alone, of sweeps that
start from it, and of as many sweeps, and many more, that start from a flat object; all learn the probe.
Networks that learned from the very scan, fine-tuned or from random weights, are measured where they are asked
for: their training counts. Run it with the machine otherwise idle:

    .venv/bin/python benchmarks/where_it_wins.py
    .venv/bin/python benchmarks/where_it_wins.py --cases dense star --curves curves.png
    .venv/bin/python benchmarks/where_it_wins.py --cases quarter --starts network flat tuned own
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ptycho.backends.base import load_backend
from ptycho.backends.every_scan import open_for_every_scan
from ptycho.clients.reconstruction import reconstruct_scan
from ptycho.metrics.comparison import compare
from ptycho.reconstruction.result import Reconstruction
from ptycho.run.resolve import resolve_run
from ptycho.run.settings import TrainingSettings
from ptycho.scan.raw_data import RawData
from ptycho.settings.data import ScanOptions
from ptycho.settings.legacy import publish
from ptycho.settings.registries import OBJECTS
from ptycho.simulate.kinds import ObjectKind
from ptycho.simulate.scan import Simulation, simulate
from ptycho.training.plan import WatchedFolder
from ptycho.zoo.every_scan import find_network, read_network, write_network

SWEEPS = (1, 3, 10)
"""Sweeps of the curves."""

STARTS = {
    "network": "tab:blue",
    "flat": "tab:orange",
    "tuned": "tab:green",
    "own": "tab:red",
}
"""What sweeps start from, and its colour: the network, nothing, and networks that learned from the scan."""

EPOCHS = {"tuned": 2, "own": 16}
"""Epochs of a network that learns from the scan, from the weights of the network or from random ones."""

SHARED = Path(os.environ.get("PTYCHO_SHARED_DATA", Path(__file__).resolve().parents[1] / "shared" / "data"))
SIEMENS = "siemens_star_aps_N128.npz"


@dataclass(frozen=True)
class Case:
    """A kind of scan.

    Attributes:
        title: What is special about it.
        make: Makes it.
        defocus: Phase in radians at the rim of the probe's spectrum by which its guess is wrong.
        modes: Incoherent modes of the probe.
    """

    title: str
    make: Callable[[], RawData]
    defocus: float = 0.0
    modes: int = 1


def photograph(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Cut a piece out of the cameraman."""
    from skimage import data

    image = data.camera().astype(float)
    top, left = (int(rng.integers(0, have - want + 1)) for have, want in zip(image.shape, shape, strict=True))
    return image[top : top + shape[0], left : left + shape[1]]


OBJECTS.add("photograph", ObjectKind(what="a photograph", draw=photograph))


def simulated(**values: Any) -> Callable[[], RawData]:
    """Give what simulates a scan of seeds that nothing else has."""
    return lambda: simulate(Simulation(**{"n_frames": 400, "seed": 71, "object_seed": 71} | values))


def sparse(share: int) -> Callable[[], RawData]:
    """Give what takes every so many-th frame of a dense scan, drawn at random."""

    def make() -> RawData:
        scan = simulated(n_frames=900)()
        kept = np.random.default_rng(0).choice(scan.n_frames, scan.n_frames // share, replace=False)
        return scan.subset(np.sort(kept))

    return make


def star() -> RawData:
    """Read the real Siemens star, an analytic guess of its probe in place of the known one."""
    return RawData.from_file(SHARED / SIEMENS, options=ScanOptions())


CASES = {
    "dense": Case("zone plate, textures, dense", simulated()),
    "pinhole": Case("pinhole, dead leaves", simulated(probe="pinhole", object_family="dead_leaves")),
    "gaussian": Case("Gaussian beam, circuit", simulated(probe="gaussian", object_family="circuit")),
    "modes": Case("three modes, lines", simulated(probe_modes=3, object_family="lines"), modes=3),
    "quarter": Case("a quarter of the frames", sparse(4)),
    "tenth": Case("a tenth of the frames", sparse(10)),
    "single": Case("single shots side by side", simulated(n_frames=25, step_px=32, jitter_px=3)),
    "1e3": Case("1e3 photons a frame", simulated(nphotons=1e3)),
    "1e4": Case("1e4 photons a frame", simulated(nphotons=1e4)),
    "1e5": Case("1e5 photons a frame", simulated(nphotons=1e5)),
    "wrong-probe": Case("probe guess out of focus", simulated(), defocus=1.5),
    "photograph": Case("a photograph, which training never drew", simulated(object_family="photograph")),
    "N128": Case("128 px", simulated(N=128, n_frames=200, step_px=10)),
    "N48": Case("48 px", simulated(N=48, step_px=4)),
    "star": Case("real Siemens star, analytic probe, 3 modes", star, modes=3),
}


@dataclass(frozen=True)
class Point:
    """One picture.

    Attributes:
        start: One of `STARTS`.
        sweeps: Sweeps that followed; None for as many as `ptycho reconstruct` makes.
        seconds: Processor seconds, what the network did and learned on this scan included.
        amplitude_r: Correlation of the amplitude with the truth.
        phase_r: Correlation of the phase.
        amplitude_ssim: Structural similarity of the amplitude.
        phase_ssim: Structural similarity of the phase.
    """

    start: str
    sweeps: int | None
    seconds: float
    amplitude_r: float
    phase_r: float
    amplitude_ssim: float
    phase_ssim: float


def measure(case: Case, weights: Path, starts: Sequence[str]) -> Iterator[Point]:
    """Give all points of a case."""
    scan = defocused(case.make(), case.defocus)
    for start in starts:
        with TemporaryDirectory() as folder:
            source, spent = str(weights), 0.0
            if start == "flat":
                source = start
            elif start in EPOCHS:
                learned, spent = train(scan, case.modes, weights if start == "tuned" else None, Path(folder))
                source = str(learned)
            for point in points(scan, case.modes, source):
                yield replace(point, start=start, seconds=point.seconds + spent)


def points(scan: RawData, modes: int, source: str) -> Iterator[Point]:
    """Give the points of a start: a file of weights, the name of a network, or "flat"."""
    if source != "flat":
        yield network_alone(scan, modes, Path(source))
    for sweeps in (*SWEEPS, None):
        settings: dict[str, Any] = {"inference.start": source, "model.probe_modes": modes}
        settings |= {"inference.refine_epochs": "auto" if sweeps is None else sweeps}
        yield timed(sweeps, scan, lambda s=settings: reconstruct_scan(scan, resolved(s)))  # type: ignore[misc]


def train(scan: RawData, modes: int, init: Path | None, folder: Path) -> tuple[Path, float]:
    """Let a network of the same shape learn from a scan.

    Args:
        scan: The scan, which is reconstructed next.
        modes: Incoherent modes of the probe.
        init: Weights to start from; None starts from random ones.
        folder: Where its weights go.

    Returns:
        The file of its weights, and the processor seconds of the training.
    """
    from ptycho_torch.nn.weights import export

    shape = dict(read_network(find_network("universal") or Path()).shape)
    values = {f"model.{name}": value for name, value in shape.items()} | {
        "model.N": scan.N,
        "model.gridsize": 1,
        "model.probe_modes": modes,
        "model.intensity_scale_trainable": False,
        "training.backend": "pytorch",
        "training.nepochs": EPOCHS["own" if init is None else "tuned"],
        "training.init": init,
        "execution.accelerator": "cpu",
        "execution.threads": 1,
        "execution.enable_progress_bar": False,
    }
    settings = TrainingSettings.of(resolve_run("train", overrides=values, recipe="standard"))
    publish(settings.tf_training_config)
    began = time.process_time()
    trained = load_backend("pytorch").train(settings, scan, WatchedFolder(folder, written=False))
    seconds = time.process_time() - began
    core = {name: array for name, array in export(trained.model.network).items() if name.startswith("core/")}
    write_network(folder / "learned.safetensors", shape, core)
    return folder / "learned.safetensors", seconds


def network_alone(scan: RawData, modes: int, weights: Path) -> Point:
    """Let the network make its picture, and nothing else."""
    resolution = resolved({"inference.refine_epochs": 0, "model.probe_modes": modes})
    opened = open_for_every_scan(weights)
    if opened is None:
        raise SystemExit(f"there are no weights {weights}")
    model = opened.for_scan(scan, resolution).load("pytorch")
    work = load_backend("pytorch").reconstruct
    work(
        model, resolution, scan.subset(np.arange(min(4, scan.n_frames)))
    )  # The first call waits for the library.
    return timed(0, scan, lambda: work(model, resolution, scan))


def resolved(settings: dict[str, Any]) -> Any:
    """Resolve settings for one CPU thread."""
    one = {"inference.backend": "pytorch", "execution.accelerator": "cpu", "execution.threads": 1}
    return resolve_run("infer", overrides=one | {"inference.compare_flat": False} | settings)


def timed(sweeps: int | None, scan: RawData, work: Callable[[], Reconstruction]) -> Point:
    """Make a picture and score it."""
    began = time.process_time()
    reconstruction = work()
    seconds = time.process_time() - began
    compared = compare(reconstruction, scan)
    if compared is None:
        raise SystemExit(f"{scan.source or 'the scan'} has no object to compare with")
    amplitude, phase = compared.scores.amplitude, compared.scores.phase
    return Point("", sweeps, seconds, amplitude.correlation, phase.correlation, amplitude.ssim, phase.ssim)


def defocused(scan: RawData, radians: float) -> RawData:
    """Put a phase that grows with the square of the radius on the probe's spectrum."""
    if radians == 0:
        return scan
    probe = np.asarray(scan.probe_modes)
    N = probe.shape[-1]
    axis = np.fft.fftfreq(N) * N
    spectrum = np.fft.fft2(np.fft.ifftshift(probe, axes=(-2, -1)))
    square = axis[:, None] ** 2 + axis[None, :] ** 2
    wrong = np.fft.fftshift(
        np.fft.ifft2(spectrum * np.exp(1j * radians * square / (0.2 * N) ** 2)), axes=(-2, -1)
    )
    return replace_probe(scan, wrong.astype(np.complex64))


def replace_probe(scan: RawData, probe: np.ndarray) -> RawData:
    """Give the scan with another guess of its probe."""
    return RawData(
        scan.positions[:, 0],
        scan.positions[:, 1],
        None,
        None,
        scan.diff3d,
        probe,
        None,
        scan.object_truth,
        None,
        metadata=scan.metadata,
        options=ScanOptions(quantity="counts", centre="middle", position_origin="centre"),
    )


def show(title: str, points: list[Point]) -> None:
    """Print a case as a table."""
    print(f"\n{title}\n{'start':10}{'sweeps':>8}{'CPU s':>8}{'amplitude r / SSIM':>22}{'phase r / SSIM':>20}")
    for p in points:
        sweeps = "auto" if p.sweeps is None else str(p.sweeps)
        scores = f"{p.amplitude_r:14.3f} / {p.amplitude_ssim:.3f}{p.phase_r:14.3f} / {p.phase_ssim:.3f}"
        print(f"{p.start:10}{sweeps:>8}{p.seconds:8.2f}{scores}", flush=True)


def draw_curves(cases: dict[str, list[Point]], path: Path) -> None:
    """Draw phase SSIM over processor seconds, a panel for each case."""
    import matplotlib.pyplot as plt
    from matplotlib.lines import Line2D

    columns = 4
    rows = -(-len(cases) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(4 * columns, 3 * rows), squeeze=False, layout="constrained"
    )
    for axis, (name, points) in zip(axes.flat, cases.items(), strict=False):
        for start, colour in STARTS.items():
            mine = [p for p in points if p.start == start]
            # A picture of all frames and no sweeps is no earlier point of the line: sweeps start from fewer.
            for mark, those in (
                ("o-", [p for p in mine if p.sweeps != 0]),
                ("x", [p for p in mine if p.sweeps == 0]),
            ):
                axis.plot([p.seconds for p in those], [p.phase_ssim for p in those], mark, color=colour)
        axis.set(title=CASES[name].title, xlabel="CPU s", ylabel="phase SSIM", xscale="log")
        axis.xaxis.set_minor_formatter("")  # Labels of less than a decade would lie on each other.
    for axis in list(axes.flat)[len(cases) :]:
        axis.remove()
    drawn = [start for start in STARTS if any(p.start == start for points in cases.values() for p in points)]
    lines = [Line2D([], [], marker="o", color=STARTS[start], label=start) for start in drawn]
    alone = Line2D([], [], marker="x", linestyle="", color="black", label="a network's picture, no sweeps")
    figure.legend(handles=[*lines, alone], loc="outside lower center", ncols=len(lines) + 1)
    figure.savefig(path, dpi=80)


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", nargs="*", choices=list(CASES), default=list(CASES))
    parser.add_argument(
        "--weights", type=Path, default=Path("universal"), help="a name, or a file of weights"
    )
    parser.add_argument("--starts", nargs="*", choices=list(STARTS), default=["network", "flat"])
    parser.add_argument("--json", type=Path, help="write all points here, too")
    parser.add_argument("--curves", type=Path, help="draw the curves into this PNG")
    chosen = parser.parse_args()
    results: dict[str, list[Point]] = {}
    for name in chosen.cases:
        results[name] = list(measure(CASES[name], chosen.weights, chosen.starts))
        show(CASES[name].title, results[name])
        if chosen.json is not None:
            table = {case: [asdict(point) for point in points] for case, points in results.items()}
            chosen.json.write_text(json.dumps(table, indent=1))
    if chosen.curves is not None:
        draw_curves(results, chosen.curves)


if __name__ == "__main__":
    main()
