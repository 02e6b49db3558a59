"""Acceptance of a scan: every check, and every decision that its arrays leave open."""

import logging
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ptycho.errors import ScanError
from ptycho.scan.array_checks import check_object, check_probe, check_scan_index
from ptycho.scan.axis_order import order_frames
from ptycho.scan.coordinates import Coordinates, check_coordinates
from ptycho.scan.frame_checks import check_all_frames
from ptycho.scan.frames import Detector, FrameStack
from ptycho.scan.geometry import Geometry, unit_of_length
from ptycho.scan.joined_frames import JoinedStack
from ptycho.scan.matching import match_frames
from ptycho.scan.outliers import leave_out_far_positions, repeated_positions, require_steps_of_a_scan
from ptycho.scan.position_origin import place_positions
from ptycho.scan.position_units import likely_unit, orient_positions, positions_in_pixels
from ptycho.scan.probe_model import with_model
from ptycho.scan.resample import coarsen_object, resample_probe
from ptycho.scan.same_sample import why_one_sample
from ptycho.scan.scan_number import ScanNumbers, tell_scans_apart
from ptycho.scan.source import ScanSource, source_name
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
    frames: Any
    probe: ArrayLike | None
    guess: ArrayLike | None
    labels: Array | None
    options: ScanOptions
    source: ScanSource
    bad_pixels: Array | None = None
    position_unit: str = "px"
    geometry: Geometry = field(default_factory=Geometry)
    beam_centre_px: tuple[float, float] | None = None
    scan_index: ArrayLike | None = None


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
        geometry: What is known of the experiment.
        decisions: What was decided, one sentence each.
        scan_index: Which scan a frame belongs to, shape (n,).
        position_unit: What the positions were measured in, before they became pixels.
    """

    coordinates: Coordinates
    frames: FrameStack | JoinedStack
    probe_modes: Complex | None
    truth: Complex | None
    labels: Array | None
    positions: NDArray[np.float64]
    nominal: NDArray[np.float64]
    shift: NDArray[np.float64]
    geometry: Geometry = field(default_factory=Geometry)
    decisions: list[str] = field(default_factory=list)
    scan_index: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    position_unit: str = "px"

    def subset(self, indices: NDArray[np.int64]) -> "ValidScan":
        """Give some of the frames with all that belongs to them; the frames are not copied."""
        return replace(
            self,
            coordinates=self.coordinates[indices],
            frames=self.frames.subset(indices),
            positions=self.positions[indices],
            nominal=self.nominal[indices],
            decisions=list(self.decisions),
            scan_index=self.scan_index[indices],
        )


def validate(given: ScanArrays) -> tuple[ValidScan, ScanNumbers]:
    """Check a scan and decide what it leaves open; each decision is logged.

    Returns:
        The scan, and which of its frames belong to which, where it holds several.

    Raises:
        ScanError: Something cannot be used as it stands.
    """
    source = given.source.path
    given.options.require_known_words()
    geometry = given.geometry.under(given.options)
    given = replace(given, geometry=geometry)
    turned, in_pixels = _positions_in_pixels(given, geometry)
    far, lost = None, list[str]()
    side = _side_px(given.frames, geometry)
    if given.source.read_by:
        turned, far, lost = leave_out_far_positions(turned, side)
    likely = partial(likely_unit, given.xcoords, given.ycoords, geometry, side)
    coordinates = check_coordinates(turned, source, likely if given.source.read_by else None)
    if given.source.read_by and given.options.position_unit == "auto":
        require_steps_of_a_scan(coordinates, side, source, likely)
    raw, notes = given.frames, list[str]()
    if not given.source.read_by:
        raw, notes = order_frames(raw, len(coordinates), given.source.frames_key, source)
    coordinates, gone, matched = _match(given, coordinates, raw, far)
    given, modelled = with_model(given, geometry, geometry.square_px(*raw.shape[1:3]))
    frames, dark, decided = check_all_frames(raw, given, coordinates.x, coordinates.y)
    modes = _fit_probe(given, frames.detector)
    # Without a crop that somebody asked for, positions and object are those of the frames in use.
    asked = given.options.crop_px is not None
    scale = frames.detector.crop_px / frames.detector.square_px if asked else 1.0
    guess = check_object(given.guess, source)
    guess = None if guess is None else coarsen_object(guess, scale)
    placement, placed = place_positions(
        _origin(given), _pairs(coordinates.x, coordinates.y, scale), frames, modes, guess
    )
    gone = gone | dark
    index = check_scan_index(given.scan_index, len(raw), source)
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
        geometry,
        [*given.source.notes, *in_pixels, *lost, *notes, *matched, *modelled, *decided, placed, *left_out],
        index,
        unit_of_length(_position_unit(given)),
    )
    if gone.any():
        valid = valid.subset(np.flatnonzero(~gone))
    numbers = _tell_scans_apart(valid, given)
    for decision in valid.decisions:
        logger.info("%s: %s", source_name(source), decision)
    return valid, numbers


def _match(
    given: ScanArrays, coordinates: Coordinates, raw: Any, far: NDArray[np.bool_] | None
) -> tuple[Coordinates, NDArray[np.bool_], list[str]]:
    """Give one position a frame, which frames have none that is any good, and what was decided.

    Raises:
        ScanError: There are fewer positions than frames, or settings name what is not there.
    """
    source, of_file = given.source.path, given.source.read_by != ""
    matching = match_frames(raw, len(coordinates), given.options, source) if of_file else None
    rows, notes = (np.arange(len(coordinates)), list[str]()) if matching is None else matching
    bad = rows < 0
    # A frame that is left out needs some position meanwhile.
    placed = np.where(bad, rows.max(initial=0), rows)
    if placed.max(initial=-1) < len(coordinates):
        coordinates, bad = coordinates[placed], bad if far is None else bad | far[placed]
    coordinates, dropped = coordinates.match(len(raw), source, of_file=of_file)
    return coordinates, bad[: len(raw)], [*notes, *dropped]


def _tell_scans_apart(valid: ValidScan, given: ScanArrays) -> ScanNumbers:
    """Tell which frames belong to which scan, and where several were taken at one position of a scan."""
    wanted = given.options.scan_index
    numbers = tell_scans_apart(
        valid.scan_index,
        "auto" if wanted is None else wanted,  # Settings written before scans were split unset it.
        source_name(given.source.path),
        lambda rows: why_one_sample(rows, valid.positions, valid.frames.amplitudes),
    )
    pairs = _pairs(valid.coordinates.x, valid.coordinates.y, 1.0)
    repeats = [note for rows in numbers.rows for note in repeated_positions(pairs[rows], given.source)]
    valid.decisions.extend([*filter(None, [numbers.note]), *repeats])
    return numbers


def _side_px(frames: Any, geometry: Geometry) -> int:
    """Give the shorter side of a frame, before the order of axes is settled: a fourth one may stand last."""
    sides = frames.shape[1:3]
    return geometry.square_px(*sides) if len(sides) == 2 else min(sides, default=1)


def _positions_in_pixels(
    given: ScanArrays, geometry: Geometry
) -> tuple[list[tuple[str, ArrayLike | None]], list[str]]:
    """Give x, y and the nominal x, y by their names, turned and in pixels, and what was done to them."""
    options = given.options
    unit = _position_unit(given)
    side = _side_px(given.frames, geometry)
    pairs: list[tuple[str, ArrayLike | None]] = []
    notes: list[str] = []
    for names, x, y in (
        (("xcoords", "ycoords"), given.xcoords, given.ycoords),
        (("xcoords_start", "ycoords_start"), given.xcoords_start, given.ycoords_start),
    ):
        if x is None or y is None:
            pairs.extend(zip(names, (x, y), strict=True))
            continue
        column, row, turned = orient_positions(x, y, options)
        column, row, converted = positions_in_pixels(column, row, unit, geometry, side, given.source.path)
        notes = notes or [*turned, *converted]
        pairs.extend(zip(names, (column, row), strict=True))
    return pairs, notes


def _position_unit(given: ScanArrays) -> str:
    setting = given.options.position_unit
    return setting if setting != "auto" else given.position_unit or "px"


def _fit_probe(given: ScanArrays, detector: Detector) -> Complex | None:
    if given.probe is None:
        return None
    modes = check_probe(given.probe, given.source.path)
    probe_side = modes.shape[-1]
    if probe_side == detector.side:
        return modes
    if probe_side == detector.square_px:
        return resample_probe(modes, detector)
    start = probe_side // 2 - detector.square_px // 2
    stop = start + detector.square_px
    attempt = f"probeGuess[..., {start}:{stop}, {start}:{stop}]"
    raise ScanError(
        error_text(
            f"'probeGuess' in {source_name(given.source.path)} is {probe_side} x {probe_side} pixels, "
            f"the frames are {detector.square_px} x {detector.square_px}",
            expected=f"a probe on the grid of the frames, {detector.square_px} x {detector.square_px}",
            hint=f"data.crop_px = {probe_side}, if the probe belongs to the middle of the detector"
            if probe_side < detector.square_px
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
