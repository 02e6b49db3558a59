"""Positions of a file become pixels of the object: unit, axes, sign, rotation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ptycho.errors import ScanError
from ptycho.scan.geometry import LENGTHS_M, unit_of_length
from ptycho.scan.nearest import sampled_steps
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from ptycho.scan.geometry import Geometry
    from ptycho.settings.data import ScanOptions

__all__ = ["LikelyUnit", "likely_unit", "orient_positions", "positions_in_pixels", "rotated"]

WORDS = {
    "m": "metres", "cm": "centimetres", "mm": "millimetres", "um": "micrometres", "nm": "nanometres",
    "A": "ångström", "pm": "picometres", "px": "pixels",
}  # fmt: skip

USUAL = ("um", "mm", "m", "nm")
"""Units of tables that name none, where nothing tells how wide a pixel is."""

USUAL_SPAN_M = 15e-6
"""Middle of what scans of X-rays span, between about 1 and 200 micrometres: units are a thousand apart."""

LEAST_SPAN = 0.1
"""Part of a frame's side that a scan at least spans; less shows one place of the sample only."""

STEPS = (0.005, 1.0)
"""Frame sides between neighbours: less hardly moves, more leaves no overlap."""

Positions = tuple["NDArray[np.float64]", "NDArray[np.float64]"]


def orient_positions(x: ArrayLike, y: ArrayLike, options: ScanOptions) -> tuple[Any, Any, list[str]]:
    """Exchange, mirror and turn positions as the settings say, in this order.

    Returns:
        x, y, and what was done, one sentence each.
    """
    changes = [name for name in ("swap_xy", "flip_x", "flip_y") if getattr(options, name)]
    if not changes and options.rotation_deg == 0.0:
        return x, y, []
    first, second = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if options.swap_xy:
        first, second = second, first
    if options.flip_x:
        first = -first
    if options.flip_y:
        second = -second
    if options.rotation_deg:
        first, second = rotated(first, second, options.rotation_deg)
        changes.append(f"rotation_deg = {options.rotation_deg:g}")
    return first, second, [f"positions: {', '.join(f'data.{name}' for name in changes)}"]


def rotated(x: NDArray[np.float64], y: NDArray[np.float64], angle_deg: float) -> Positions:
    """Turn positions about the origin, from x to y."""
    angle = np.deg2rad(angle_deg)
    return np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y


def positions_in_pixels(
    x: ArrayLike, y: ArrayLike, unit: str, geometry: Geometry, side_px: int, source: Path | None
) -> tuple[Any, Any, list[str]]:
    """Give positions in pixels of the object.

    Args:
        x: Columns in the unit of the file.
        y: Rows.
        unit: "px", or a unit of length.
        geometry: What is known of the experiment.
        side_px: Side of the frame that a pixel of the object belongs to, before binning.
        source: The file, for the message.

    Returns:
        x, y, and how they were converted, one sentence each.

    Raises:
        ScanError: They are lengths, and the geometry is not fully known.
    """
    unit = unit_of_length(unit)
    if unit == "px":
        return x, y, []
    if unit not in LENGTHS_M:
        raise ScanError(
            error_text(f"the positions of {source} are in '{unit}'", expected="px, " + ", ".join(LENGTHS_M))
        )
    pixel_m = geometry.object_pixel_m(side_px)
    if pixel_m is None and geometry.shape is not None and geometry.shape.joined is None:
        raise _no_square(geometry, side_px, unit, source)
    if pixel_m is None:
        raise ScanError(
            error_text(
                f"the positions of {source} are in {unit}, "
                "and nothing says how wide a pixel of the object is",
                details={"doubtful": "; ".join(geometry.doubts)},
                expected="energy, distance and detector pixel: the pixel is wavelength * distance / "
                "(side of the frame * detector pixel)",
                hint=_missing_settings(geometry),
            )
        )
    factor = LENGTHS_M[unit] / pixel_m
    why = f"by {_origins(geometry)} and {side_px} px of detector"
    note = f"positions: {unit} to pixels of {pixel_m:.4g} m, {why}"
    return np.asarray(x, np.float64) * factor, np.asarray(y, np.float64) * factor, [note]


class LikelyUnit(NamedTuple):
    """What positions that are no pixels may be in.

    Attributes:
        word: The unit in words, "" where none makes a scan of them.
        hint: The setting that takes them so, as it is typed.
    """

    word: str
    hint: str

    @property
    def looks(self) -> str:
        """How a message about the positions goes on, "" where no unit makes a scan of them."""
        return f": these look like {self.word}" if self.word else ""


def likely_unit(x: ArrayLike, y: ArrayLike, geometry: Geometry, side_px: int) -> LikelyUnit:
    """Find the units in which positions make a scan: frames that overlap and see more than one place.

    Args:
        x: Columns as the file has them.
        y: Rows.
        geometry: What is known of the experiment.
        side_px: Side of the frame that a pixel of the object belongs to.
    """
    pairs = np.unique(np.stack([np.asarray(x, np.float64), np.asarray(y, np.float64)], axis=1), axis=0)
    pairs = pairs[np.isfinite(pairs).all(axis=1)]
    if len(pairs) < 2:
        return LikelyUnit("", "")
    span = float(np.ptp(pairs, axis=0).max())
    pixel_m = geometry.object_pixel_m(side_px)
    if pixel_m is None:
        likely = min(USUAL, key=lambda unit: abs(np.log10(span * LENGTHS_M[unit] / USUAL_SPAN_M)))
        return LikelyUnit(
            WORDS[likely], f'data.position_unit = "{likely}" with {_missing_settings(geometry)}'
        )
    step = float(np.median(sampled_steps(pairs)))
    factors = {unit: metres / pixel_m for unit, metres in LENGTHS_M.items()} | {"px": 1.0}
    fitting = [
        unit
        for unit, factor in factors.items()
        if span * factor >= LEAST_SPAN * side_px and STEPS[0] <= step * factor / side_px <= STEPS[1]
    ]
    fitting = [unit for unit in fitting if unit in {*USUAL, "px"}] or fitting
    # Neighbours a tenth of a frame apart are usual.
    fitting.sort(key=lambda unit: abs(np.log10(10 * step * factors[unit] / side_px)))
    word = " or ".join(WORDS[unit] for unit in fitting[:2])
    return LikelyUnit(word, " or ".join(f'data.position_unit = "{unit}"' for unit in fitting[:2]))


def _no_square(geometry: Geometry, side_px: int, unit: str, source: Path | None) -> ScanError:
    """Say how positions become pixels where those of the detector are no squares, and few make none.

    The pixels of the object are no squares then either: wide ones where those of the detector are narrow.
    """
    height, width = geometry.shape or (0.0, 0.0)
    known = geometry._replace(shape=None)
    down, across = (known.with_pixel(side, side, "").object_pixel_m(side_px) for side in (height, width))
    hint = _missing_settings(known)
    if down is not None and across is not None:
        factors = [pixel / LENGTHS_M[unit] for pixel in (across, down)]
        hint = (
            f'np.savetxt("px.csv", np.c_[x / {factors[0]:.6g}, y / {factors[1]:.6g}]), and then '
            f'data.positions = "px.csv" with data.position_unit = "px" and data.crop_px = {side_px}'
        )
    return ScanError(
        error_text(
            f"the detector pixels of {source} are {height:g} m high and {width:g} m wide, and no few of them "
            f"make a square: those of the object are no squares either, and the positions are in {unit}",
            expected="positions in pixels of the object, along x and along y",
            hint=hint,
        )
    )


def _missing_settings(geometry: Geometry) -> str:
    """Name the settings that would complete a geometry, the energy in place of the wavelength."""
    missing = " and ".join(geometry.missing()).replace("data.wavelength_m", "data.energy_kev")
    return missing.replace("data.pixel_size_m", "data.detector_pixel_m")


def _origins(geometry: Geometry) -> str:
    if geometry.reciprocal_pixel_per_m is not None:
        fact = geometry.reciprocal_pixel_per_m
        return f"{fact.value:.4g} /m of reciprocal pixel ({fact.origin})"
    facts = (geometry.wavelength_m, geometry.distance_m, geometry.pixel_size_m)
    return ", ".join(f"{fact.value:.4g} m ({fact.origin})" for fact in facts if fact is not None)
