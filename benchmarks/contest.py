"""How good a picture comes of a scan in how many seconds, without training: simulations and the real star.

Every simulated scan has 676 frames of 64 x 64 on a jittered raster of 5 px and a probe guess that is 18 % off
in defocus; the circuit has 576 frames, two modes, and once positions that are wrong by 1.2 px each. The star
is reconstructed twice, from its even and from its odd frames. Run it with the machine otherwise idle:

    .venv/bin/python benchmarks/contest.py --help
    .venv/bin/python benchmarks/contest.py --cases 1e9 1e4 star --backend tensorflow
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import ptycho
from ptycho.metrics.align import align, common_area, scanned_area
from ptycho.metrics.comparison import compare
from ptycho.metrics.frc import frc
from ptycho.metrics.scores import score
from ptycho.optics.waves import focus, radius_px, soft_disk
from ptycho.physics.canvas import Canvas, place
from ptycho.physics.illumination import orthogonal_modes
from ptycho.reconstruction.positions_fit import fit_stage
from ptycho.reconstruction.result import Reconstruction
from ptycho.report.figures.figure import LINED, finish_plot, line_colours, open_figure, write
from ptycho.report.figures.panel import Line
from ptycho.scan.raw_data import RawData
from ptycho.settings.data import ScanOptions
from ptycho.simulate.objects import Contrast
from ptycho.simulate.scan import Simulation, simulate

OFF = 1.18
"""Defocus of the guess, as a multiple of the true one."""

WRONG_PX = 1.2
Row = dict[str, str]


@dataclass(frozen=True)
class Case:
    """A scan of a known object.

    Attributes:
        simulation: The scan.
        settings: What is asked of the reconstruction.
        wrong_px: How far each position lies beside the true one.
    """

    simulation: Simulation
    settings: dict[str, Any]
    wrong_px: float = 0.0


def circuit(photons: float, **more: Any) -> Case:
    """Scan the circuit with two modes."""
    simulation = Simulation(n_frames=576, object_family="circuit", nphotons=photons, probe_modes=2, seed=3)
    return Case(simulation, {"model.probe_modes": 2}, **more)


def plain(photons: float, **more: Any) -> Case:
    """Scan textures, or another family, with one mode."""
    return Case(Simulation(n_frames=676, nphotons=photons, seed=3, object_seed=13, **more), {})


def strong(photons: float) -> Case:
    """Scan sharp spokes of 3 rad at whole pixels: after 20 plain sweeps .027, .051, .115 rad are wrong."""
    contrast = Contrast((0.5, 1.0), (-1.5, 1.5))
    return plain(photons, object_family="spokes", contrast=contrast, integer_positions=True)


CASES: dict[str, Case] = {
    "1e9": strong(1e9),
    "1e5": strong(1e5),
    "1e4": strong(1e4),
    "1e3": strong(1e3),
    "1e9 textures between pixels": plain(1e9),
    "1e5 textures between pixels": plain(1e5),
    "1e4 textures between pixels": plain(1e4),
    "8e4 low contrast": plain(7.9e4, object_family="lines", contrast=Contrast((0.95, 1.0), (-0.1, 0.1))),
    "circuit 1e6": circuit(1e6),
    "circuit 1e6, wrong positions": circuit(1e6, wrong_px=WRONG_PX),
    "circuit 1e4, wrong positions": circuit(1e4, wrong_px=WRONG_PX),
}
STAR = "star"


def guess(N: int, modes: int) -> np.ndarray:
    """Give the zone plate's beam with a wrong defocus."""
    q, outer = radius_px(N), 0.2 * N
    bend = OFF * 0.2 * N * 2 * np.pi * outer / (2 * N)
    aperture = soft_disk(q, outer) - soft_disk(q, outer / 3)
    beam = focus(aperture * np.exp(1j * bend * (q / outer) ** 2)).astype(np.complex64)
    return orthogonal_modes(beam[np.newaxis], modes)


def scan_of(case: Case) -> tuple[RawData, np.ndarray]:
    """Simulate a scan, spoil its probe and positions, and give the true positions beside it."""
    true = simulate(case.simulation)
    angle = np.random.default_rng(5).uniform(0, 2 * np.pi, true.n_frames)
    positions = true.positions + case.wrong_px * np.column_stack([np.cos(angle), np.sin(angle)])
    scale = np.sqrt(true.mean_square())
    options = ScanOptions(quantity="counts", centre="middle", position_origin="centre")
    spoilt = RawData(
        positions[:, 0],
        positions[:, 1],
        None,
        None,
        np.asarray(true.diff3d),
        (scale * guess(true.N, case.simulation.probe_modes)).astype(np.complex64),
        None,
        true.object_truth,
        None,
        options=options,
    )
    return spoilt, true.positions


def write_scan(scan: RawData, file: Path) -> dict[str, Any]:
    """Write a simulated scan, and give the settings that say how it is to be read."""
    x, y = scan.positions.T
    np.savez(
        file,
        diff3d=np.asarray(scan.diff3d),
        xcoords=x,
        ycoords=y,
        probeGuess=np.asarray(scan.probe_modes),
        objectGuess=scan.object_truth,
    )
    return {"data.quantity": "counts", "data.centre": "middle", "data.position_origin": "centre"}


def timed(work: Callable[[], Reconstruction]) -> tuple[Reconstruction, float]:
    """Give what work makes, and the processor seconds that it takes."""
    began = time.process_time()
    made = work()
    return made, time.process_time() - began


def process_seconds(scan: RawData, settings: dict[str, Any]) -> float:
    """Give the processor seconds of `ptycho reconstruct`, from its start to the last picture."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "scan.npz"
        asked = settings | write_scan(scan, file)
        words = [f"--{name}={str(value).lower()}" for name, value in asked.items()]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "ptycho", "reconstruct", str(file), "--quiet", *words]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run_case(case: Case, settings: dict[str, Any]) -> list[Row]:
    """Reconstruct a simulated scan, twice where its positions are wrong."""
    scan, true = scan_of(case)
    rows = []
    for correct in (False, True) if case.wrong_px else (False,):
        asked = settings | case.settings | {"inference.correct_positions": correct}
        made, seconds = timed(lambda asked=asked: ptycho.reconstruct(scan, asked))
        scores = compare(made, scan)
        beside = made.positions - true
        rest = beside - fit_stage(true, beside)
        rows.append(
            {
                "s": f"{seconds:.1f}",
                "process": f"{process_seconds(scan, asked):.1f}",
                "amplitude SSIM": f"{scores.scores.amplitude.ssim:.3f}",
                "phase SSIM": f"{scores.scores.phase.ssim:.3f}",
                "phase RMSE": f"{scores.scores.phase.rmse:.4f}",
                "note": f"{np.sqrt(np.mean(np.sum(rest**2, 1))):.2f} px left" if case.wrong_px else "",
            }
        )
    return rows


Point = tuple[float, float, float]
"""Processor seconds, amplitude SSIM and phase RMSE."""


def our_curve(case: Case, settings: dict[str, Any]) -> list[Point]:
    """Reconstruct with more and more sweeps."""
    scan, _ = scan_of(case)
    points = []
    for sweeps in (6, 12, 18, 26, 40):
        asked = settings | case.settings | {"inference.refine_epochs": sweeps}
        made, seconds = timed(lambda asked=asked: ptycho.reconstruct(scan, asked))
        scores = compare(made, scan).scores
        points.append((seconds, scores.amplitude.ssim, scores.phase.rmse))
    return points


def curve_of_ptychi(case: Case, python: Path, epochs: int, algorithm: str) -> list[Point]:
    """Let pty-chi reconstruct the same frames from the same probe, and score what it has on the way.

    Args:
        case: The scan.
        python: Interpreter that has pty-chi.
        epochs: How many.
        algorithm: Its name, and after a colon frames of a batch and step, where they are not the usual ones.
    """
    name, *tuned = algorithm.split(":")
    tuning = [word for pair in zip(("--batch", "--step"), tuned, strict=False) for word in pair]
    scan, _ = scan_of(case)
    probe = np.asarray(scan.probe_modes, np.complex64)
    with TemporaryDirectory() as folder:
        given, made = Path(folder) / "scan.npz", Path(folder) / "made.npz"
        frames = np.asarray(scan.diff3d, np.float32)
        np.savez(given, intensities=frames, positions=scan.positions, probe=probe)
        program = Path(__file__).with_name("contest_ptychi.py")
        words = [python, program, given, made, "--algorithm", name, "--epochs", str(epochs), *tuning]
        subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL)
        with np.load(made, allow_pickle=False) as file:
            return [
                (float(seconds), *score_beside(picture, scan))
                for picture, seconds in zip(file["objects"], file["seconds"], strict=True)
            ]


def score_beside(picture: np.ndarray, scan: RawData) -> tuple[float, float]:
    """Score a picture whose middle lies at the mean position: amplitude SSIM and phase RMSE."""
    height, width = picture.shape
    x, y = np.rint(scan.positions.mean(axis=0) - [width // 2, height // 2]).astype(int).tolist()
    light = np.sum(np.abs(np.asarray(scan.probe_modes)) ** 2, axis=0)
    coverage = place(light / light.max(), scan.positions, Canvas((x, y), picture.shape))
    scores = score(*common_area(picture, coverage, (x, y), scan.object_truth))
    return scores.amplitude.ssim, scores.phase.rmse


def draw_curves(path: Path, curves: dict[str, list[Point]]) -> None:
    """Draw quality against seconds."""
    figure, grid = open_figure(1, 2, 4.2, 3.0, LINED)
    for colour, (name, points) in zip(line_colours(len(curves)), curves.items(), strict=True):
        seconds, ssim, rmse = zip(*points, strict=True)
        for panel, values in zip(grid[0], (ssim, rmse), strict=True):
            panel.lines.append(Line(np.array(seconds), np.array(values), colour, name, marked=True))
    for panel, name in zip(grid[0], ("amplitude SSIM", "phase RMSE (rad)"), strict=True):
        panel.x.logarithmic = True
        finish_plot(panel, x="processor seconds", y=name, title=name)
    grid[0, 1].y.logarithmic = True
    write(figure, path)


def run_star(data: Path, settings: dict[str, Any]) -> list[Row]:
    """Reconstruct the halves of the star apart from each other, and hold them against each other."""
    whole = RawData.from_file(data / "siemens_star_aps_N128.npz", options=ScanOptions())
    made, seconds = [], 0.0
    for start in (0, 1):
        half = whole.subset(np.arange(start, whole.n_frames, 2))
        picture, took = timed(lambda half=half: ptycho.reconstruct(half, settings | {"model.probe_modes": 3}))
        made.append(picture)
        seconds += took / 2
    a, b, known = common_area(
        made[0].object,
        made[0].coverage,
        tuple(made[0].origin_px),
        made[1].object,
        reference_origin_px=tuple(made[1].origin_px),
    )
    other = scanned_area(made[1].coverage)
    offset = np.rint(made[0].origin_px - made[1].origin_px).astype(int)
    shifted = np.zeros_like(known)
    rows, columns = np.indices(known.shape)
    rows, columns = rows + max(0, offset[1]), columns + max(0, offset[0])
    inside = (rows < other.shape[0]) & (columns < other.shape[1])
    shifted[inside] = other[rows[inside], columns[inside]]
    aligned = align(a, b, known & shifted)
    crossing = frc(aligned.reconstruction, aligned.reference, mask=aligned.mask).crossing
    difference = np.angle(aligned.reconstruction * aligned.reference.conj())[aligned.mask]
    return [
        {
            "s": f"{seconds:.1f}",
            "phase RMSE": f"{np.sqrt(np.mean(difference**2)):.4f}",
            "note": f"half-bit {crossing:.3f} cycles/px, seconds for a half",
        }
    ]


def main() -> None:
    """Print one line for each case."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", nargs="+", default=[*CASES, STAR], choices=[*CASES, STAR])
    parser.add_argument("--backend", default="pytorch", choices=("pytorch", "tensorflow"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--sweeps", type=int, help="how many (default: noise and misfit decide)")
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("PTYCHO_SHARED_DATA", "../shared/data"))
    )
    parser.add_argument("--ptychi", type=Path, metavar="PYTHON", help="interpreter that has pty-chi")
    parser.add_argument(
        "--algorithms",
        nargs="+",
        default=["LSQML"],
        help="LSQML, EPIE or DM, each with frames of a batch and step if wanted: LSQML:64:0.5",
    )
    parser.add_argument("--epochs", type=int, default=50, help="epochs of pty-chi (default: %(default)s)")
    parser.add_argument("--curves", type=Path, metavar="FOLDER", help="draw quality against seconds, too")
    options = parser.parse_args()
    settings: dict[str, Any] = {
        "inference.backend": options.backend,
        "execution.accelerator": "cpu",
        "execution.threads": options.threads,
    }
    if options.sweeps is not None:
        settings["inference.refine_epochs"] = options.sweeps
    columns = ("s", "process", "amplitude SSIM", "phase SSIM", "phase RMSE", "note")
    print(f"| case | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
    for name in options.cases:
        rows = run_star(options.data, settings) if name == STAR else run_case(CASES[name], settings)
        for row in rows:
            print(f"| {name} | {' | '.join(row.get(column, '') for column in columns)} |", flush=True)
        if name == STAR or CASES[name].wrong_px:
            continue
        curves = {"ours": our_curve(CASES[name], settings)} if options.curves else {}
        for algorithm in options.algorithms if options.ptychi else ():
            points = curve_of_ptychi(CASES[name], options.ptychi, options.epochs, algorithm)
            curves[f"pty-chi {algorithm}"] = points
            seconds, ssim, rmse = points[-1]
            print(
                f"| {name}, pty-chi {algorithm} | {seconds:.1f} | | {ssim:.3f} | | {rmse:.4f} | |", flush=True
            )
        if options.curves:
            draw_curves(options.curves / f"{name}.png", curves)


if __name__ == "__main__":
    main()
