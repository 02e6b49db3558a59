"""Scan positions: what can be a position in pixels, and which point of a patch it names."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ptycho.errors import ScanError
from ptycho.physics.limits import LARGEST_PICTURE
from ptycho.scan.position_units import LikelyUnit
from ptycho.scan.source import source_name
from ptycho.settings.call_site import outside_stack_level
from ptyconf.errors import error_text

__all__ = ["Coordinates", "check_coordinates", "surplus_note"]

IN_MEMORY = LikelyUnit("metres", "xcoords * N * pixel_size_m / (wavelength_m * distance_m)")

METRES_SPAN = 1.0
"""A scan that spans less than one pixel is in metres, or is no scan."""


@dataclass(frozen=True)
class Coordinates:
    """Positions as they stand in the file: measured and nominal, each of shape (n,), float64, in pixels."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    x_start: NDArray[np.float64]
    y_start: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, which: Any) -> "Coordinates":
        return Coordinates(self.x[which], self.y[which], self.x_start[which], self.y_start[which])

    def match(
        self, n_frames: int, source: Path | None, *, of_file: bool = False
    ) -> tuple["Coordinates", list[str]]:
        """Keep one position per frame; surplus positions at the end are dropped with a warning.

        Args:
            n_frames: How many frames there are.
            source: The file that they come from.
            of_file: Whether settings say how they are read.

        Raises:
            ScanError: There are fewer positions than frames.
        """
        n = len(self)
        if n < n_frames:
            raise ScanError(
                error_text(
                    f"{n_frames} frames but {n} positions in {source_name(source)}. "
                    "Every pattern needs a position.",
                    expected=f"'xcoords' and 'ycoords' of length {n_frames}",
                    hint=_settings_without(n_frames, n) if of_file else _arrays_without(n_frames, n),
                )
            )
        if n == n_frames:
            return self, []
        note = surplus_note(n, n_frames)
        if of_file:
            note += f'; data.positions_without_frame = "0:{n - n_frames}" drops the first, or names others'
        warnings.warn(note, RuntimeWarning, stacklevel=outside_stack_level())
        return self[:n_frames], [note]


def surplus_note(n: int, n_frames: int) -> str:
    """Say that positions were dropped for want of frames."""
    return f"{n} positions for {n_frames} frames: the last {n - n_frames} positions were dropped"


def _settings_without(n_frames: int, n: int) -> str:
    first, last = f"0:{n_frames - n}", f"{n}:"
    return (
        f'data.frames_without_position = "{last}" if the last frames were taken without a position, '
        f'"{first}" if the first were, such as exposures before the scan'
    )


def _arrays_without(n_frames: int, n: int) -> str:
    if n > 1 and n_frames % n == 0:
        times = n_frames // n
        return (
            f"{times} frames at each position: np.repeat(positions, {times}, axis=0) where they follow each "
            f"other, np.tile(positions, ({times}, 1)) where the scan was run {times} times"
        )
    more = n_frames - n
    return (
        f"diff3d[:{n}], if the last frames were taken without a position; "
        f"diff3d[{more}:], if the first were, such as dark frames before the scan"
    )


def check_coordinates(
    named: Sequence[tuple[str, ArrayLike | None]],
    source: Path | None,
    likely: Callable[[], LikelyUnit] | None = None,
) -> Coordinates:
    """Accept four coordinate arrays that can be positions in pixels of the object grid.

    Args:
        named: Key and array of x, y, nominal x and nominal y, in this order; a nominal array that is None
            takes the measured one.
        source: The file that they come from.
        likely: Tells in which unit they make a scan; None for arrays in memory, which no setting converts.

    Raises:
        ScanError: The shapes differ, a value is not finite, or the positions cannot be pixels.
    """
    (x_key, x), (y_key, y), (xs_key, xs), (ys_key, ys) = named
    arrays = {
        x_key: _vector(x, x_key, source),
        y_key: _vector(y, y_key, source),
        xs_key: _vector(x if xs is None else xs, xs_key, source),
        ys_key: _vector(y if ys is None else ys, ys_key, source),
    }
    if len({array.shape for array in arrays.values()}) != 1 or arrays[x_key].ndim != 1:
        shapes = ", ".join(f"{key} {array.shape}" for key, array in arrays.items())
        raise ScanError(
            error_text(
                f"Coordinate arrays must have matching shapes: {shapes} in {source_name(source)}",
                expected="one number per frame in each",
            )
        )
    for key, array in arrays.items():
        _refuse_not_finite(array, key, source)
    _refuse_not_pixels(arrays[x_key], arrays[y_key], source, likely)
    return Coordinates(*arrays.values())


def _vector(values: ArrayLike | None, key: str, source: Path | None) -> NDArray[np.float64]:
    given = np.asarray(values)
    if given.dtype.kind not in "iuf":
        raise ScanError(
            error_text(
                f"'{key}' in {source_name(source)} is an array of {given.dtype}",
                expected="real numbers, in pixels of the object grid",
            )
        )
    array = given.astype(np.float64, copy=False)
    return array.reshape(-1) if array.ndim == 2 and 1 in array.shape else array


def _refuse_not_finite(array: NDArray[np.float64], key: str, source: Path | None) -> None:
    bad = np.flatnonzero(~np.isfinite(array))
    if len(bad):
        raise ScanError(
            error_text(
                f"position {bad[0]} in '{key}' of {source_name(source)} is {array[bad[0]]} "
                f"({len(bad)} of {len(array)} are not finite)",
                expected="finite numbers, in pixels of the object grid",
                hint="leave out the frames whose positions are unknown",
            )
        )


def _refuse_not_pixels(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    source: Path | None,
    likely: Callable[[], LikelyUnit] | None,
) -> None:
    if len(x) < 2:
        return
    span = float(max(np.ptp(x), np.ptp(y)))
    if span == 0.0:
        raise ScanError(
            error_text(
                f"all {len(x)} positions in {source_name(source)} are equal: x = {x[0]:g}, y = {y[0]:g}",
                expected="a scan: positions that differ, in pixels of the object grid",
            )
        )
    if span < METRES_SPAN:
        unit = IN_MEMORY if likely is None else likely()
        raise ScanError(
            error_text(
                f"the positions in {source_name(source)} span {span:.3g}, less than one pixel{unit.looks}",
                expected="pixels of the object grid",
                hint=unit.hint,
            )
        )
    if float(np.ptp(x)) * float(np.ptp(y)) > LARGEST_PICTURE:
        unit = LikelyUnit("", "") if likely is None else likely()
        raise ScanError(
            error_text(
                f"the positions in {source_name(source)} span {np.ptp(x):.4g} x {np.ptp(y):.4g} pixels"
                + unit.looks,
                expected=f"pixels of the object grid, at most {LARGEST_PICTURE} of them",
                hint=unit.hint or "dividing the positions by the size of a pixel, if they are in other units",
            )
        )
