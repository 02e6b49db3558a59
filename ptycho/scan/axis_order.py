"""Which axis of an array counts the frames."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.files.stored_frames import StoredFrames
from ptycho.scan.source import source_name
from ptycho.settings.call_site import outside_stack_level
from ptyconf.errors import error_text

__all__ = ["order_frames"]

Array = np.ndarray[Any, Any]


def order_frames(
    array: Any, n_positions: int, key: str, source: Path | None, *, oblong: bool = False
) -> tuple[Any, list[str]]:
    """View an array as (frames, rows, columns), whichever of the two known orders it has.

    The legacy order (rows, columns, frames) is recognised by the axis that is as long as the list of
    positions, and transposed without a copy, with one warning.

    Args:
        array: The frames.
        n_positions: How many positions there are.
        key: What the frames are called.
        source: The file that they come from.
        oblong: Whether frames may have more rows than columns, or the other way round.

    Returns:
        The view, and what was decided, one sentence each.

    Raises:
        ScanError: The array is not of rank 3, no order fits, or the frames are not square and have to be.
    """
    given = array.shape
    notes: list[str] = []
    if array.ndim == 4 and given[-1] == 1:
        array = array[..., 0]
        notes.append(f"'{key}' {given}: the last axis of length 1 was dropped")
    if array.ndim != 3:
        raise _no_order(given, n_positions, key, source)
    first, rows, columns = array.shape
    if first == n_positions:
        if columns == n_positions and rows == n_positions:
            notes.append(f"'{key}' {given} fits both axis orders; taken as (frames, rows, columns)")
    elif _counted_last(array.shape, n_positions, oblong=oblong):
        array = array.counted_last() if isinstance(array, StoredFrames) else array.transpose(2, 0, 1)
        notes.append(
            f"'{key}' {given} is in the legacy order (rows, columns, frames); transposed (FORMAT-001)"
        )
        warnings.warn(notes[-1], UserWarning, stacklevel=outside_stack_level())
    elif rows != columns and not oblong:
        raise _no_order(given, n_positions, key, source)
    if not oblong:
        _refuse_oblong(array, key, source)
    return array, notes


def _counted_last(shape: tuple[int, ...], n_positions: int, *, oblong: bool) -> bool:
    """Tell whether the last axis counts the frames: as long as the positions, or the others make a square."""
    first, rows, columns = shape
    if columns == n_positions:
        return first == rows or rows != columns
    # As many frames as rows, each far from square, and still not as many as positions: hardly.
    return oblong and first == rows != columns


def _refuse_oblong(array: Array, key: str, source: Path | None) -> None:
    _, rows, columns = array.shape
    if rows != columns:
        side = min(rows, columns)
        raise ScanError(
            error_text(
                f"the frames '{key}' in {source_name(source)} are not square: "
                f"{rows} rows x {columns} columns",
                expected="as many rows as columns",
                hint=f"cut them around the beam to {side} x {side}",
            )
        )


def _no_order(shape: tuple[int, ...], n_positions: int, key: str, source: Path | None) -> ScanError:
    return ScanError(
        error_text(
            f"'{key}' in {source_name(source)} has shape {shape}, which fits no axis order (FORMAT-001)",
            expected=f"(frames, N, N), or the legacy (N, N, frames), with {n_positions} frames",
            hint=f"np.savez(path, {key}=frames.reshape({n_positions}, N, N), ...)",
        )
    )
