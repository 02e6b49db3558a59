"""Acceptance of a scan: every check, and every decision that its arrays leave open."""

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ptycho.scan.centre import is_corner_centred
from ptycho.scan.check import check_dtype, check_frames, check_object, check_probe
from ptycho.scan.coordinates import Coordinates, check_coordinates
from ptycho.scan.errors import ScanError, compose, place
from ptycho.scan.frames import Detector, Frames
from ptycho.scan.layout import order_frames
from ptycho.scan.mask import load_bad_pixels
from ptycho.scan.origin import locate
from ptycho.scan.quantity import Evidence, decide_quantity
from ptycho.scan.resample import coarsen_object, resample_probe
from ptycho.scan.statistics import measure_frames
from ptycho.settings.scan_options import Origin, ScanOptions

__all__ = ["Accepted", "Context", "Given", "accept"]

Array = np.ndarray[Any, Any]
Complex = NDArray[np.complexfloating[Any, Any]]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Context:
    """Where a scan comes from, and what that says about it.

    Attributes:
        source: The file, or None for arrays in memory.
        frames_key: What the frames are called there.
        usual: What frames from here usually are, when nothing else tells.
        quantity: What the file declares its frames to be, or None.
        origin: What the file declares its positions to name, or None.
    """

    source: Path | None = None
    frames_key: str = "diff3d"
    usual: Literal["counts", "amplitude"] = "amplitude"
    quantity: str | None = None
    origin: str | None = None


@dataclass(frozen=True)
class Given:
    """A scan as it is handed over."""

    xcoords: ArrayLike
    ycoords: ArrayLike
    xcoords_start: ArrayLike | None
    ycoords_start: ArrayLike | None
    frames: Array
    probe: ArrayLike | None
    guess: ArrayLike | None
    labels: Array | None
    options: ScanOptions
    context: Context


@dataclass(frozen=True)
class Accepted:
    """A scan that passed every check.

    Attributes:
        coordinates: Positions as given, one per frame.
        frames: The frames, still where they are.
        probe_modes: Probe for the frames after crop and binning, shape (P, N, N), or None.
        truth: Object on the pixels of ``positions``, or None.
        labels: Object patches that run parallel to ``frames.raw``, or None.
        positions: Patch centres [x, y] in object pixels, shape (n, 2).
        nominal: The same from the nominal coordinates.
        shift: [x, y] that was added to the file's coordinates.
        decisions: What was decided, one sentence each.
    """

    coordinates: Coordinates
    frames: Frames
    probe_modes: Complex | None
    truth: Complex | None
    labels: Array | None
    positions: NDArray[np.float64]
    nominal: NDArray[np.float64]
    shift: NDArray[np.float64]
    decisions: list[str] = field(default_factory=list)

    def subset(self, indices: NDArray[np.int64]) -> "Accepted":
        """Give some of the frames with all that belongs to them; the frames are not copied."""
        return replace(
            self,
            coordinates=self.coordinates[indices],
            frames=self.frames.subset(indices),
            positions=self.positions[indices],
            nominal=self.nominal[indices],
            decisions=list(self.decisions),
        )


def accept(given: Given) -> Accepted:
    """Check a scan and decide what it leaves open; each decision is logged.

    Raises:
        ScanError: Something cannot be used as it stands.
    """
    source = given.context.source
    given.options.require_known_words()
    named = ("xcoords", "ycoords", "xcoords_start", "ycoords_start")
    arrays = (given.xcoords, given.ycoords, given.xcoords_start, given.ycoords_start)
    coordinates = check_coordinates(list(zip(named, arrays, strict=True)), source)
    raw, notes = order_frames(given.frames, len(coordinates), given.context.frames_key, source)
    coordinates, dropped = coordinates.match(len(raw), source)
    frames, decided = _accept_frames(raw, given)
    modes = _accept_probe(given, frames.detector)
    scale = frames.detector.crop_px / frames.detector.side_px
    guess = check_object(given.guess, source)
    guess = None if guess is None else coarsen_object(guess, scale)
    placement, placed = locate(
        _origin(given), _pairs(coordinates.x, coordinates.y, scale), frames, modes, guess
    )
    labels, left_out = _accept_labels(given, len(raw), frames.detector)
    accepted = Accepted(
        coordinates,
        frames,
        modes,
        guess if placement.on_object else None,
        labels,
        _pairs(coordinates.x, coordinates.y, scale) + placement.shift,
        _pairs(coordinates.x_start, coordinates.y_start, scale) + placement.shift,
        placement.shift,
        [*notes, *dropped, *decided, placed, *left_out],
    )
    for decision in accepted.decisions:
        logger.info("%s: %s", place(source), decision)
    return accepted


def _accept_frames(raw: Array, given: Given) -> tuple[Frames, list[str]]:
    key, source = given.context.frames_key, given.context.source
    options, side = given.options, raw.shape[1]
    check_dtype(raw, key, source)
    kept = options.frame_side(side) * options.bin
    bad = load_bad_pixels(options.mask, side, source)
    statistics = measure_frames(raw, bad)
    check_frames(statistics, key, source)
    evidence = Evidence(statistics, given.context.quantity, given.context.usual, key, source)
    quantity, said = decide_quantity(options.quantity, evidence)
    corner, where = is_corner_centred(options.centre, statistics.mean, key)
    frames = Frames(raw, quantity, Detector(side, corner, kept, options.bin), bad)
    notes = [said, where]
    if frames.detector.side != side:
        notes.append(f"frames of {side} px: the middle {kept} px were kept and binned by {options.bin}")
    if bad is not None:
        notes.append(f"{int(bad.sum())} of {bad.size} detector pixels are masked")
    return frames, notes


def _accept_probe(given: Given, detector: Detector) -> Complex | None:
    if given.probe is None:
        return None
    modes = check_probe(given.probe, given.context.source)
    found = modes.shape[-1]
    if found == detector.side:
        return modes
    if found == detector.side_px:
        return resample_probe(modes, detector)
    start = found // 2 - detector.side_px // 2
    attempt = f"probeGuess[..., {start}:{start + detector.side_px}, {start}:{start + detector.side_px}]"
    raise ScanError(
        compose(
            f"'probeGuess' in {place(given.context.source)} is {found} x {found} pixels, "
            f"the frames are {detector.side_px} x {detector.side_px}",
            expected=f"a probe on the grid of the frames, {detector.side_px} x {detector.side_px}",
            try_=f"data.crop_px = {found}, if the probe belongs to the middle of the detector"
            if found < detector.side_px
            else f"{attempt}, if it is only padded",
        )
    )


def _accept_labels(given: Given, n: int, detector: Detector) -> tuple[Array | None, list[str]]:
    if given.labels is None:
        return None, []
    labels, _ = order_frames(given.labels, n, "Y", given.context.source)
    if labels.shape == (n, detector.side, detector.side):
        return labels, []
    if labels.shape != (n, detector.side_px, detector.side_px):
        raise ScanError(
            compose(
                f"the labelled patches 'Y' in {place(given.context.source)} have shape {labels.shape}",
                expected=f"one complex patch per frame: ({n}, {detector.side}, {detector.side})",
                try_="leaving 'Y' out, or cutting the patches to the size of the frames",
            )
        )
    if detector.crop_px != detector.side_px:
        return None, ["the labelled patches 'Y' belong to the uncropped detector's finer pixels; left out"]
    start = detector.side_px // 2 - detector.side // 2
    kept = slice(start, start + detector.side)
    return labels[:, kept, kept], []


def _origin(given: Given) -> Origin:
    setting, declared = given.options.position_origin, given.context.origin
    if setting != "auto" or declared is None:
        return setting
    if declared == "centre":
        return "centre"
    if declared == "corner":
        return "corner"
    raise ScanError(
        compose(
            f"'position_origin' of {place(given.context.source)} is \"{declared}\"",
            expected='"centre" or "corner"',
            try_='data.position_origin = "centre"',
        )
    )


def _pairs(x: NDArray[np.float64], y: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    return np.stack([x, y], axis=1) * scale


def with_quantity(options: ScanOptions | None, quantity: Any) -> ScanOptions:
    """Give reading options with the quantity that a caller settled, if any."""
    chosen = ScanOptions() if options is None else replace(options)
    return chosen if quantity is None else replace(chosen, quantity=quantity)
