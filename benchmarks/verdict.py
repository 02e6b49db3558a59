#!/usr/bin/env python3
"""False alarms and misses of the verdict, over simulated scans with and without faults.

    nice python benchmarks/verdict.py              # as `ptycho reconstruct FILE` does it
    nice python benchmarks/verdict.py --trust      # the verdict alone: data.axes = "trust"

Half of the scans are right: doses from 3e3 to 1e9 photons a frame, all kinds of objects and beams, one or two
modes, several steps. The others have one fault each. Each goes through a file. Judged is the picture, not the
label: it is held against the object that was simulated, in all eight orientations and conjugated, and its
probe against the one that was simulated. A wrong picture that is called explained is a miss; a right one that
is called not explained a false alarm.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scan_faults import FAULTS, SMALL, Arrays, scanned

from ptycho.clients.reconstruction import SWEEPS_ALONE, reconstruct_scan
from ptycho.clients.search import settle
from ptycho.clients.verdict import verdict_of
from ptycho.metrics.align import align, scanned_area
from ptycho.metrics.scores import compare, phases
from ptycho.run.resolve import resolve_run
from ptycho.scan.reading import read_scans
from ptycho.settings.data import ScanOptions
from ptycho.settings.registries import OBJECTS, PROBES
from ptycho.simulate.scan import Simulation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ptycho.reconstruction.result import Reconstruction
    from ptyconf import Resolution

WORDS = ("explained", "doubtful", "not explained", "refused")
PICTURES = ("right", "rough", "wrong")

RIGHT, WRONG = 0.9, 0.7
"""Correlation of the phase with the object's from which a picture is right, and below which it is wrong."""

RIGHT_PROBE = 0.8
"""Overlap with the probe that was simulated, below which a picture is at best rough."""

FLAT_RAD = 0.1
"""Spread of the object's phase over the scanned area below which its amplitude is compared in its place."""

NONE = "none"


@dataclass(frozen=True)
class Outcome:
    """What became of a scan.

    Attributes:
        word: The verdict.
        reason: Why.
        picture: Whether it shows the object: "right", "rough" or "wrong".
        phase: Correlation of its phase with the object's.
        overlap: Of its probe with the one that was simulated.
        seconds: Of the processor.
    """

    word: str
    reason: str
    picture: str = "wrong"
    phase: float = 0.0
    overlap: float = 0.0
    seconds: float = 0.0

    @property
    def is_miss(self) -> bool:
        """Whether a wrong picture was called explained."""
        return self.picture == "wrong" and self.word == "explained"

    @property
    def is_false_alarm(self) -> bool:
        """Whether a right picture was called not explained."""
        return self.picture == "right" and self.word == "not explained"

    def __str__(self) -> str:
        likeness = f"{self.picture} picture, phase r {self.phase:.3f}, probe {self.overlap:.3f}"
        return f"{self.word}, {likeness}, {self.seconds:.1f} s: {self.reason}"


def _draw(rng: np.random.Generator, fault: str) -> Simulation:
    modes = int(rng.integers(1, 3))
    return Simulation(
        **{**SMALL, "step_px": float(rng.uniform(2.0, 3.0))},
        object_family=str(rng.choice(list(OBJECTS))),
        probe=str(rng.choice(list(PROBES))),
        probe_modes=3 if fault == "one mode in place of several" else modes,
        trajectory=str(rng.choice(["raster", "spiral"])),
        nphotons=float(10 ** rng.uniform(3.5, 9)),
        seed=int(rng.integers(1 << 30)),
        object_seed=int(rng.integers(1 << 30)),
    )


def judged(arrays: Arrays, true_object: np.ndarray, true_probe: np.ndarray, axes: str) -> Outcome:
    """Reconstruct a scan from a file, as the command does, and judge the picture and the verdict on it."""
    flags = {"model.probe_modes": arrays.modes, "data.axes": axes, "execution.accelerator": "cpu"}
    resolution = resolve_run("infer", overrides=flags, extra_layers=[SWEEPS_ALONE])
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scan.npz"
        probe = {} if arrays.probe is None else {"probeGuess": arrays.probe}
        np.savez(path, diff3d=arrays.counts, xcoords=arrays.x, ycoords=arrays.y, **probe)

        def read(settings: Resolution) -> object:
            return read_scans(path, settings.build(ScanOptions))

        try:
            settled = settle(read(resolution), resolution, "pytorch", read)
            picture = reconstruct_scan(settled.scan, settled.resolution)
            verdict = verdict_of(picture, settled.scan, settled.resolution, "pytorch")
        except ValueError as error:
            return Outcome("refused", str(error).partition("\n")[0])
    seconds = time.process_time() - began
    phase = _likeness(picture, true_object)
    overlap = _overlap(picture.probe[0], np.atleast_3d(true_probe.T).T[0])
    right = phase >= RIGHT and overlap >= RIGHT_PROBE
    shown = "right" if right else "wrong" if phase < WRONG else "rough"
    return Outcome(verdict.word, verdict.reason, shown, phase, overlap, seconds)


def _turns(picture: NDArray[np.generic]) -> Iterator[NDArray[np.generic]]:
    for exchanged, down, across in itertools.product((False, True), repeat=3):
        turned = picture.T if exchanged else picture
        turned = turned[::-1] if down else turned
        yield turned[:, ::-1] if across else turned


def _likeness(picture: Reconstruction, truth: NDArray[np.complexfloating]) -> float:
    """Give the best correlation of the phase, or of the amplitude where that is flat, over all turns."""
    mask = scanned_area(picture.coverage)
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    best = 0.0
    for shown, known in zip(_turns(picture.object[box]), _turns(mask[box]), strict=True):
        shape = np.minimum(shown.shape, truth.shape)
        ours, area, theirs = (_middle(values, shape) for values in (shown, known, truth))
        for one in (ours, ours.conj()):
            try:
                aligned = align(one, theirs, area)
            except ValueError:
                continue
            phase, true_phase = phases(aligned)
            if true_phase[aligned.mask].std() < FLAT_RAD:
                phase, true_phase = np.abs(aligned.reconstruction), np.abs(aligned.reference)
            best = max(best, compare(phase, true_phase, aligned.mask).correlation)
        if best >= RIGHT:
            break
    return best


def _middle(values: NDArray[np.generic], shape: NDArray[np.int64]) -> NDArray[np.generic]:
    start = (np.array(values.shape) - shape) // 2
    return values[start[0] : start[0] + shape[0], start[1] : start[1] + shape[1]]


def _overlap(probe: np.ndarray, truth: np.ndarray) -> float:
    """Compare two modes wherever they lie and however they are turned: 1 for the same."""
    best = 0.0
    for turned in _turns(probe):
        for one in (turned, turned.conj()):
            cross = np.abs(np.fft.ifft2(np.fft.fft2(one) * np.conj(np.fft.fft2(truth)))).max()
            best = max(best, float(cross / np.linalg.norm(one) / np.linalg.norm(truth)))
    return best


def main() -> None:
    """Print the table of words and pictures by fault."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scans", type=int, default=200, help="how many (default 200)")
    parser.add_argument("--seed", type=int, default=0, help="of the scans (default 0)")
    parser.add_argument("--trust", action="store_true", help="leave axes and probe as they are")
    parser.add_argument("--fault", choices=FAULTS, help="this one alone")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    rng = np.random.default_rng(given.seed)
    outcomes: list[tuple[str, Outcome]] = []
    names = list(FAULTS) if given.fault is None else [given.fault]
    for number in range(given.scans):
        right = number % 2 == 0 and given.fault is None
        fault = NONE if right else names[number // 2 % len(names)]
        settings = _draw(rng, fault)
        arrays, truth = scanned(settings)
        true_probe = np.asarray(arrays.probe)
        if not right:
            FAULTS[fault](arrays, rng)
        outcome = judged(arrays, truth, true_probe, "trust" if given.trust else "auto")
        outcomes.append((fault, outcome))
        what = f"{settings.object_family}, {settings.probe}, {settings.nphotons:.1e}, {settings.probe_modes}"
        alarm = "MISS " if outcome.is_miss else "FALSE ALARM " if outcome.is_false_alarm else ""
        print(f"{alarm}scan {number} ({what}): {fault}: {outcome}", flush=True)
    _print_table(outcomes)


def _print_table(outcomes: list[tuple[str, Outcome]]) -> None:
    print(f"\n{'fault':32s}" + "".join(f"{word:>22s}" for word in WORDS) + "   right/rough/wrong pictures")
    for fault in (NONE, *FAULTS):
        ours = [outcome for name, outcome in outcomes if name == fault]
        if not ours:
            continue
        cells = []
        for word in WORDS:
            shown = Counter(one.picture for one in ours if one.word == word)
            cells.append("/".join(str(shown[picture]) for picture in PICTURES))
        print(f"{fault:32s}" + "".join(f"{cell:>22s}" for cell in cells))
    every = [outcome for _, outcome in outcomes]
    right = [one for one in every if one.picture == "right"]
    wrong = [one for one in every if one.picture == "wrong"]
    print(
        f"\nfalse alarms {sum(one.is_false_alarm for one in right)} of {len(right)} right pictures, "
        f"misses {sum(one.is_miss for one in wrong)} of {len(wrong)} wrong ones; "
        f"{np.mean([one.seconds for one in every]):.1f} s of the processor a scan"
    )


if __name__ == "__main__":
    main()
