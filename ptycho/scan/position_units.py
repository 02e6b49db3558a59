"""Positions of a file become pixels of the object: unit, axes, sign, rotation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.scan.geometry import LENGTHS_M, unit_of_length
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from ptycho.scan.geometry import Geometry
    from ptycho.settings.data import ScanOptions

__all__ = ["orient_positions", "positions_in_pixels"]

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
        angle = np.deg2rad(options.rotation_deg)
        first, second = (
            np.cos(angle) * first - np.sin(angle) * second,
            np.sin(angle) * first + np.cos(angle) * second,
        )
        changes.append(f"rotation_deg = {options.rotation_deg:g}")
    return first, second, [f"positions: {', '.join(f'data.{name}' for name in changes)}"]


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
    if pixel_m is None:
        missing = geometry.missing()
        named = " and ".join(missing).replace("wavelength_m", "energy_kev")
        raise ScanError(
            error_text(
                f"the positions of {source} are in {unit}, "
                "and nothing says how wide a pixel of the object is",
                details={"doubtful": "; ".join(geometry.doubts)},
                expected="energy, distance and detector pixel: the pixel is wavelength * distance / "
                "(side of the frame * detector pixel)",
                hint=named.replace("data.pixel_size_m", "data.detector_pixel_m"),
            )
        )
    factor = LENGTHS_M[unit] / pixel_m
    why = f"by {_origins(geometry)} and {side_px} px of detector"
    note = f"positions: {unit} to pixels of {pixel_m:.4g} m, {why}"
    return np.asarray(x, np.float64) * factor, np.asarray(y, np.float64) * factor, [note]


def _origins(geometry: Geometry) -> str:
    if geometry.reciprocal_pixel_per_m is not None:
        fact = geometry.reciprocal_pixel_per_m
        return f"{fact.value:.4g} /m of reciprocal pixel ({fact.origin})"
    facts = (geometry.wavelength_m, geometry.distance_m, geometry.pixel_size_m)
    return ", ".join(f"{fact.value:.4g} m ({fact.origin})" for fact in facts if fact is not None)
