"""Acceptance of a scan: every check, and every decision that its arrays leave open."""

import logging
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ptycho.errors import ScanError
from ptycho.scan.array_checks import check_dtype, check_frames, check_object, check_probe
from ptycho.scan.axis_order import order_frames
from ptycho.scan.centre import is_corner_centred
from ptycho.scan.coordinates import Coordinates, check_coordinates
from ptycho.scan.counts_or_amplitude import QuantityEvidence, decide_quantity
from ptycho.scan.frames import Detector, FrameStack
from ptycho.scan.mask import load_bad_pixels
from ptycho.scan.position_origin import place_positions
from ptycho.scan.resample import coarsen_object, resample_probe
from ptycho.scan.source import ScanSource, source_name
from ptycho.scan.statistics import measure_frames
from ptycho.settings.data import PositionOrigin, ScanOptions
from ptyconf.errors import error_text

__all__ = ["ScanArrays", "ValidScan", "validate", "with_quantity"]

Array = np.ndarray[Any, Any]
Complex = NDArray[np.complexfloating[Any, Any]]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScanArrays:
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
    source: ScanSource


@dataclass(frozen=True)
class ValidScan:
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
    frames: FrameStack
    probe_modes: Complex | None
    truth: Complex | None
    labels: Array | None
    positions: NDArray[np.float64]
    nominal: NDArray[np.float64]
    shift: NDArray[np.float64]
    decisions: list[str] = field(default_factory=list)

    def subset(self, indices: NDArray[np.int64]) -> "ValidScan":
        """Give some of the frames with all that belongs to them; the frames are not copied."""
        return replace(
            self,
            coordinates=self.coordinates[indices],
            frames=self.frames.subset(indices),
            positions=self.positions[indices],
            nominal=self.nominal[indices],
            decisions=list(self.decisions),
        )


def validate(given: ScanArrays) -> ValidScan:
    """Check a scan and decide what it leaves open; each decision is logged.

    Raises:
        ScanError: Something cannot be used as it stands.
    """
    source = given.source.path
    given.options.require_known_words()
    named = ("xcoords", "ycoords", "xcoords_start", "ycoords_start")
    arrays = (given.xcoords, given.ycoords, given.xcoords_start, given.ycoords_start)
    coordinates = check_coordinates(list(zip(named, arrays, strict=True)), source)
    raw, notes = order_frames(given.frames, len(coordinates), given.source.frames_key, source)
    coordinates, dropped = coordinates.match(len(raw), source)
    frames, decided = _check_frames(raw, given)
    modes = _fit_probe(given, frames.detector)
    scale = frames.detector.crop_px / frames.detector.side_px
    guess = check_object(given.guess, source)
    guess = None if guess is None else coarsen_object(guess, scale)
    placement, placed = place_positions(
        _origin(given), _pairs(coordinates.x, coordinates.y, scale), frames, modes, guess
    )
    labels, left_out = _fit_labels(given, len(raw), frames.detector)
    valid = ValidScan(
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
    for decision in valid.decisions:
        logger.info("%s: %s", source_name(source), decision)
    return valid


def _check_frames(raw: Array, given: ScanArrays) -> tuple[FrameStack, list[str]]:
    key, source = given.source.frames_key, given.source.path
    options, side = given.options, raw.shape[1]
    check_dtype(raw, key, source)
    crop = options.frame_side(side) * options.bin
    bad = load_bad_pixels(options.mask, side, source)
    statistics = measure_frames(raw, bad)
    check_frames(statistics, key, source)
    evidence = QuantityEvidence(statistics, given.source.quantity, given.source.usual, key, source)
    quantity, why = decide_quantity(options.quantity, evidence)
    corner, where = is_corner_centred(options.centre, statistics.mean, key)
    frames = FrameStack(raw, quantity, Detector(side, corner, crop, options.bin), bad)
    notes = [why, where]
    if frames.detector.side != side:
        notes.append(f"frames of {side} px: the middle {crop} px were kept and binned by {options.bin}")
    if bad is not None:
        notes.append(f"{int(bad.sum())} of {bad.size} detector pixels are masked")
    return frames, notes


def _fit_probe(given: ScanArrays, detector: Detector) -> Complex | None:
    if given.probe is None:
        return None
    modes = check_probe(given.probe, given.source.path)
    probe_side = modes.shape[-1]
    if probe_side == detector.side:
        return modes
    if probe_side == detector.side_px:
        return resample_probe(modes, detector)
    start = probe_side // 2 - detector.side_px // 2
    attempt = f"probeGuess[..., {start}:{start + detector.side_px}, {start}:{start + detector.side_px}]"
    raise ScanError(
        error_text(
            f"'probeGuess' in {source_name(given.source.path)} is {probe_side} x {probe_side} pixels, "
            f"the frames are {detector.side_px} x {detector.side_px}",
            expected=f"a probe on the grid of the frames, {detector.side_px} x {detector.side_px}",
            hint=f"data.crop_px = {probe_side}, if the probe belongs to the middle of the detector"
            if probe_side < detector.side_px
            else f"{attempt}, if it is only padded",
        )
    )


def _fit_labels(given: ScanArrays, n: int, detector: Detector) -> tuple[Array | None, list[str]]:
    if given.labels is None:
        return None, []
    labels, _ = order_frames(given.labels, n, "Y", given.source.path)
    if labels.shape == (n, detector.side, detector.side):
        return labels, []
    if labels.shape != (n, detector.side_px, detector.side_px):
        raise ScanError(
            error_text(
                f"the labelled patches 'Y' in {source_name(given.source.path)} have shape {labels.shape}",
                expected=f"one complex patch per frame: ({n}, {detector.side}, {detector.side})",
                hint="leaving 'Y' out, or cutting the patches to the size of the frames",
            )
        )
    if detector.crop_px != detector.side_px:
        return None, ["the labelled patches 'Y' belong to the uncropped detector's finer pixels; left out"]
    start = detector.side_px // 2 - detector.side // 2
    middle = slice(start, start + detector.side)
    return labels[:, middle, middle], []


def _origin(given: ScanArrays) -> PositionOrigin:
    setting, declared = given.options.position_origin, given.source.origin
    if setting != "auto" or declared is None:
        return setting
    if declared == "centre":
        return "centre"
    if declared == "corner":
        return "corner"
    raise ScanError(
        error_text(
            f"'position_origin' of {source_name(given.source.path)} is \"{declared}\"",
            expected='"centre" or "corner"',
            hint='data.position_origin = "centre"',
        )
    )


def _pairs(x: NDArray[np.float64], y: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    return np.stack([x, y], axis=1) * scale


def with_quantity(options: ScanOptions | None, quantity: Any) -> ScanOptions:
    """Give reading options with the quantity that a caller settled, if any."""
    chosen = ScanOptions() if options is None else replace(options)
    return chosen if quantity is None else replace(chosen, quantity=quantity)
