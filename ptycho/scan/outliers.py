"""Positions that cannot belong to the scan: not finite, or far from all others."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.scan.nearest import sampled_steps, without_neighbours
from ptycho.scan.position_units import LEAST_SPAN
from ptycho.scan.source import source_name
from ptycho.settings.call_site import outside_stack_level
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from ptycho.scan.coordinates import Coordinates
    from ptycho.scan.position_units import LikelyUnit
    from ptycho.scan.source import ScanSource

__all__ = ["leave_out_far_positions", "repeated_positions", "require_steps_of_a_scan"]

FAR_STEPS = 20.0
"""How many usual steps away from its nearest neighbour a position is no part of the scan."""

FEWEST_POSITIONS = 16
"""With fewer positions nothing is said about the steps of a scan."""

LARGEST_STEP = 1.5
"""Frame sides between neighbours beyond which no two frames overlap, not even at their corners."""

LARGEST_SHARE = 0.2
"""More positions than this are no outliers: then the scan itself is something else."""

Named = list[tuple[str, "ArrayLike | None"]]


def leave_out_far_positions(named: Named, side_px: int) -> tuple[Named, Any, list[str]]:
    """Find positions that cannot be, and put them where they do no harm until their frames are left out.

    Args:
        named: Key and array of x, y, nominal x and nominal y.
        side_px: Side of a frame: positions that far apart share nothing.

    Returns:
        The arrays, such positions moved onto the first good one; which are left out, one a position, or
        None; and what was found, one sentence each.
    """
    x, y = (np.asarray(values) for _, values in named[:2])
    if x.ndim != 1 or x.shape != y.shape or x.dtype.kind not in "iuf" or len(x) < 4:
        return named, None, []
    pairs = np.stack([x, y], axis=1).astype(np.float64)
    bad = _far(pairs, side_px)
    if not bad.any() or bad.mean() > LARGEST_SHARE:
        return named, None, []
    first = int(np.flatnonzero(~bad)[0])
    moved: Named = []
    for name, values in named:
        array = np.asarray(values, np.float64).copy() if values is not None else None
        if array is not None and array.shape == bad.shape:
            array[bad] = array[first]
        moved.append((name, array))
    which = np.flatnonzero(bad)
    listed = ", ".join(f"{index} at ({x[index]:.4g}, {y[index]:.4g})" for index in which[:4])
    more = f" and {len(which) - 4} more" if len(which) > 4 else ""
    what = "positions are far from all others or no numbers; their frames are left out"
    note = f"{len(which)} {what}: {listed}{more}"
    warnings.warn(note, RuntimeWarning, stacklevel=outside_stack_level())
    return moved, bad, [note]


def repeated_positions(pairs: NDArray[np.float64], source: ScanSource) -> list[str]:
    """Say where several frames of a file were taken at one position."""
    distinct = len(np.unique(pairs, axis=0))
    if distinct == len(pairs) or not source.read_by:
        return []
    spread = f"{len(pairs)} frames lie on {distinct} different positions"
    return [f"{spread}; frames of one position count as often as they were taken"]


def require_steps_of_a_scan(
    coordinates: Coordinates, side_px: int, source: Path | None, likely: Callable[[], LikelyUnit]
) -> None:
    """Refuse positions that cannot be pixels, because all frames see one place or none sees another's.

    Args:
        coordinates: The positions.
        side_px: Side of a frame.
        source: The file that they come from.
        likely: Tells in which unit they make a scan.

    Raises:
        ScanError: The scan spans a small part of a frame, or neighbours are frames apart.
    """
    pairs = np.stack([coordinates.x, coordinates.y], axis=1)
    if len(pairs) < FEWEST_POSITIONS:
        return
    span = float(np.ptp(pairs, axis=0).max())
    distinct = np.unique(pairs, axis=0)
    step = float(np.median(sampled_steps(distinct))) if len(distinct) > 1 else 1.0
    if span < LEAST_SPAN * side_px:
        what = f"span {span:.3g} pixels, {100 * span / side_px:.2g} % of a frame of {side_px} px"
    elif step > LARGEST_STEP * side_px:
        what = f"lie {step:.4g} pixels apart, frames of {side_px} px share nothing"
    else:
        return
    usual, unit = 0.3 * side_px, likely()
    raise ScanError(
        error_text(
            f"the positions of {source_name(source)} {what}{unit.looks}",
            details={"overlap": f"70 % would be {usual:.3g} px a step, a factor of {usual / step:.3g}"},
            expected="pixels of the object, each wavelength * distance / (frame side * detector pixel) wide",
            hint="; ".join(filter(None, [unit.hint, 'data.position_unit = "px" if they are pixels'])),
        )
    )


def _far(pairs: NDArray[np.float64], side_px: int) -> NDArray[np.bool_]:
    bad: NDArray[np.bool_] = np.asarray(~np.isfinite(pairs).all(axis=1))
    good = np.flatnonzero(~bad)
    if len(good) < 4:
        return bad
    steps = sampled_steps(pairs[good])
    step = float(np.median(steps[steps > 0])) if np.any(steps > 0) else 0.0
    bad[good] = without_neighbours(pairs[good], max(FAR_STEPS * step, 2.0 * side_px))
    return bad
