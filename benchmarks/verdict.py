#!/usr/bin/env python3
"""False alarms and misses of the verdict, over simulated scans with and without faults.

    nice python benchmarks/verdict.py              # the verdict alone: data.axes = "trust"
    nice python benchmarks/verdict.py --search     # with axes and probe found first

Half of the scans are right: doses from 3e3 to 1e9 photons a frame, all kinds of objects and beams, one or two
modes, several steps. The others have one fault each. A miss is a fault that is called explained; a false
alarm is a right scan that is called not explained.
"""

from __future__ import annotations

import argparse
import logging
import time
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptycho.clients.reconstruction import PYTORCH, reconstruct_scan
from ptycho.clients.search import settle
from ptycho.clients.verdict import verdict_of
from ptycho.run.resolve import resolve_run
from ptycho.scan.raw_data import RawData
from ptycho.settings.data import ScanOptions
from ptycho.settings.registries import OBJECTS, PROBES
from ptycho.simulate.scan import Simulation, simulate

if TYPE_CHECKING:
    from collections.abc import Callable

    from ptyconf import Resolution

WORDS = ("explained", "doubtful", "not explained")


@dataclass
class Arrays:
    """A scan as its file would hold it."""

    x: np.ndarray
    y: np.ndarray
    counts: np.ndarray
    probe: np.ndarray | None


def _other(rng: np.random.Generator) -> Arrays:
    return _simulated(
        Simulation(**SMALL, seed=int(rng.integers(1 << 30)), object_seed=int(rng.integers(1 << 30)))
    )


def _swapped(arrays: Arrays, _rng: np.random.Generator) -> None:
    arrays.x, arrays.y = arrays.y, arrays.x


def _mirrored(arrays: Arrays, _rng: np.random.Generator) -> None:
    arrays.x = -arrays.x


def _flipped(arrays: Arrays, _rng: np.random.Generator) -> None:
    arrays.counts = arrays.counts[:, ::-1].copy()


def _shuffled(arrays: Arrays, rng: np.random.Generator) -> None:
    order = rng.permutation(len(arrays.x))
    arrays.x, arrays.y = arrays.x[order], arrays.y[order]


def _stretched(arrays: Arrays, _rng: np.random.Generator) -> None:
    arrays.x, arrays.y = 2.5 * arrays.x, 2.5 * arrays.y


def _gaussian(arrays: Arrays, _rng: np.random.Generator) -> None:
    N = arrays.counts.shape[-1]
    radius = np.hypot(*np.meshgrid(*(np.arange(N) - N // 2,) * 2))
    arrays.probe = np.exp(-((radius / (0.06 * N)) ** 2)).astype(np.complex64)


def _disk(arrays: Arrays, _rng: np.random.Generator) -> None:
    N = arrays.counts.shape[-1]
    radius = np.hypot(*np.meshgrid(*(np.arange(N) - N // 2,) * 2))
    arrays.probe = (radius < 0.44 * N).astype(np.complex64)


def _two(arrays: Arrays, rng: np.random.Generator) -> None:
    other = _other(rng)
    half = len(arrays.x) // 2
    rows = rng.permutation(len(arrays.x))[:half]
    arrays.counts = arrays.counts.copy()
    arrays.counts[rows] = other.counts[rows]


def _photon(arrays: Arrays, rng: np.random.Generator) -> None:
    share = rng.uniform(0.5, 5) / arrays.counts.sum(axis=(1, 2)).mean()
    arrays.counts = rng.binomial(arrays.counts.astype(np.int64), min(share, 1.0)).astype(np.uint8)


FAULTS: dict[str, Callable[[Arrays, np.random.Generator], None]] = {
    "x and y swapped": _swapped,
    "x mirrored": _mirrored,
    "frames flipped": _flipped,
    "positions shuffled": _shuffled,
    "positions 2.5 times apart": _stretched,
    "probe: a Gaussian": _gaussian,
    "probe: a disk": _disk,
    "two scans in one": _two,
    "a few photons": _photon,
}
SEARCHED = ("x and y swapped", "x mirrored", "frames flipped", "probe: a Gaussian", "probe: a disk")
"""Faults that a search is to put right."""

RIGHT = ("none", "probe: learned anyway")
LEARNED = 0.95
"""Overlap with the true probe from which a wrong one was learned away, and is no fault of the picture."""

SMALL = {"N": 32, "n_frames": 144, "jitter_px": 0.8, "step_px": 2.5}


def _simulated(settings: Simulation) -> Arrays:
    scan = simulate(settings)
    return Arrays(scan.xcoords, scan.ycoords, scan.diff3d, scan.probeGuess)


def _draw(rng: np.random.Generator) -> Simulation:
    return Simulation(
        **{**SMALL, "step_px": float(rng.uniform(2.0, 3.0))},
        object_family=str(rng.choice(list(OBJECTS))),
        probe=str(rng.choice(list(PROBES))),
        probe_modes=int(rng.integers(1, 3)),
        trajectory=str(rng.choice(["raster", "spiral"])),
        nphotons=float(10 ** rng.uniform(3.5, 9)),
        seed=int(rng.integers(1 << 30)),
        object_seed=int(rng.integers(1 << 30)),
    )


def _read(arrays: Arrays, settings: Resolution) -> RawData:
    """Read a scan as settings turn its positions."""
    options = settings.build(ScanOptions)
    x, y = (arrays.y, arrays.x) if options.swap_xy else (arrays.x, arrays.y)
    x, y = (-x if options.flip_x else x), (-y if options.flip_y else y)
    return RawData(
        x, y, None, None, arrays.counts, arrays.probe, None,
        options=ScanOptions(quantity="counts", centre="middle", position_origin="centre"),
    )  # fmt: skip


def judged(
    arrays: Arrays, modes: int, true: np.ndarray | None, *, search: bool
) -> tuple[str, str, float, float]:
    """Reconstruct a scan; give the word, the reason, the overlap with the true probe, and CPU seconds."""
    flags = {
        "model.probe_modes": modes,
        "data.axes": "auto" if search else "trust",
        "execution.accelerator": "cpu",
    }
    resolution = resolve_run("infer", overrides=flags, extra_layers=[PYTORCH])
    began = time.process_time()
    settled = settle(
        _read(arrays, resolution), resolution, "pytorch", lambda settings: _read(arrays, settings)
    )
    picture = reconstruct_scan(settled.scan, settled.resolution)
    verdict = verdict_of(picture, settled.scan, settled.resolution, "pytorch")
    overlap = 0.0 if true is None else _overlap(picture.probe[0], np.atleast_3d(true.T).T[0])
    return verdict.word, verdict.reason, overlap, time.process_time() - began


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Compare two modes wherever they lie: 1 for the same, up to a phase, a scale and a shift."""
    cross = np.fft.ifft2(np.fft.fft2(a) * np.conj(np.fft.fft2(b)))
    return float(np.abs(cross).max() / np.linalg.norm(a) / np.linalg.norm(b))


def main() -> None:
    """Print the table of words by fault."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scans", type=int, default=200, help="how many (default 200)")
    parser.add_argument("--seed", type=int, default=0, help="of the scans (default 0)")
    parser.add_argument("--search", action="store_true", help="find axes and probe first")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    rng = np.random.default_rng(given.seed)
    table: dict[str, Counter[str]] = {}
    seconds = 0.0
    names = list(FAULTS)
    for number in range(given.scans):
        settings = _draw(rng)
        fault = "none" if number % 2 == 0 else names[number // 2 % len(names)]
        arrays = _simulated(settings)
        true = arrays.probe
        if fault != "none":
            FAULTS[fault](arrays, rng)
        word, reason, overlap, took = judged(arrays, settings.probe_modes, true, search=given.search)
        seconds += took
        if fault.startswith("probe") and overlap > LEARNED:
            fault = "probe: learned anyway"
        table.setdefault(fault, Counter())[word] += 1
        right = fault in RIGHT or (given.search and fault in SEARCHED)
        if (word == "explained") != right:
            what = (
                f"{settings.object_family}, {settings.probe}, {settings.nphotons:.1e}, {settings.probe_modes}"
            )
            print(f"scan {number} ({what}): {fault}: {word}: {reason}", flush=True)
    _print_table(table, given.scans, seconds)


def _print_table(table: dict[str, Counter[str]], scans: int, seconds: float) -> None:
    print(f"\n{'fault':28s}" + "".join(f"{word:>15s}" for word in WORDS))
    for fault in (*RIGHT, *FAULTS):
        counts = table.get(fault, Counter())
        print(f"{fault:28s}" + "".join(f"{counts[word]:15d}" for word in WORDS))
    right = sum((table.get(fault, Counter()) for fault in RIGHT), Counter())
    wrong = sum((table.get(fault, Counter()) for fault in FAULTS), Counter())
    print(
        f"\nfalse alarms {right['not explained']} of {right.total()}, "
        f"misses {wrong['explained']} of {wrong.total()}; "
        f"{seconds / scans:.1f} s of the processor a scan"
    )


if __name__ == "__main__":
    main()
