"""A scan file's contents, completed by the files that the settings name beside it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.files.stored_frames import FramesOnDisk
from ptycho.scan.axis_order import order_frames
from ptycho.scan.bad_pixels import DARK_SHARE
from ptycho.scan.matching import expected_frames
from ptycho.scan.named_arrays import ARCHIVES, find_place, position_settings
from ptycho.scan.positions import raster_positions, read_positions
from ptycho.scan.scan_file import open_scan
from ptycho.scan.statistics import chunks
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.scan.positions import PositionTable
    from ptycho.scan.scan_file import ScanFile
    from ptycho.scan.scan_format import ScanContents
    from ptycho.settings.data import ScanOptions

__all__ = ["arranged", "complete", "with_positions"]

Array = np.ndarray[Any, Any]

PROBE_KEYS = ("probe", "probeGuess")

PTYR_PROBE = re.compile(r"content/probe/[^/]+/data")
"""Where ptypy keeps a probe in its results (.ptyr)."""


def complete(contents: ScanContents, file: ScanFile, options: ScanOptions) -> ScanContents:
    """Add positions and probe that the settings name.

    Raises:
        ScanError: They are not there, do not fit the frames, or nothing says where the positions are.
    """
    if options.positions:
        contents = with_positions(contents, read_positions(options.positions, file))
    if "xcoords" not in contents.arrays:
        why = f"; {contents.needs_positions}" if contents.needs_positions else ""
        raise ScanError(
            error_text(
                f"{file.path} holds no positions{why}",
                expected="a position for every frame",
                known=file.shown_keys,
                hint=position_settings(file, contents.arrays["diff3d"].shape[0])
                or 'data.positions = "positions.csv", "product.npz", or "file:key"',
            )
        )
    if options.probe:
        probe = _read_probe(options.probe, file)
        contents = replace(contents, arrays=contents.arrays | {"probeGuess": probe})
    return contents


def arranged(contents: ScanContents, file: ScanFile, options: ScanOptions) -> ScanContents:
    """Bring the axis that counts the frames to the front, and leave out frames without light or position.

    Where settings name frames by their numbers, none is left out here: later ones would have others.

    Raises:
        ScanError: The frames are no stack.
    """
    count = np.asarray(contents.arrays["xcoords"]).size
    frames = contents.arrays["diff3d"]
    expected = expected_frames(frames.shape, count, options)
    frames, notes = order_frames(frames, expected, contents.frames_key, file.path, oblong=True)
    contents = replace(contents, arrays=contents.arrays | {"diff3d": frames}, notes=(*contents.notes, *notes))
    return contents if options.names_numbers else _without_dark_surplus(contents)


def with_positions(contents: ScanContents, table: PositionTable) -> ScanContents:
    """Lay the frames at positions from another place, matched by number where both sides have them.

    Raises:
        ScanError: No position belongs to a frame.
    """
    numbers, notes = contents.frame_numbers, [*contents.notes, table.note]
    x, y, arrays = table.x, table.y, dict(contents.arrays)
    if table.axes:
        # The last axis may count the frames.
        ends = (arrays["diff3d"].shape[0], arrays["diff3d"].shape[-1])
        n = next((end for end in ends if end == len(x) * len(y)), ends[0])
        x, y = raster_positions(x, y, (n,), f"the {table.note}")
        if len(x) != len(table.x):
            notes.append(f"a raster of {len(table.y)} lines and {len(table.x)} points, line by line")
    of_table = table.numbers
    if of_table is None and numbers is not None and len(x) == np.ptp(numbers) + 1 > len(numbers):
        of_table = np.arange(numbers.min(), numbers.max() + 1)
        missing = np.setdiff1d(of_table, numbers)
        shown = ", ".join(map(str, missing[:5])) + (" ..." if len(missing) > 5 else "")
        notes.append(f"positions by the numbers of the frames: {len(missing)} frames are missing ({shown})")
    if numbers is None and of_table is not None:
        notes.append("nothing numbers the frames, as the positions are: they are matched by their places")
    if numbers is not None and of_table is not None:
        _, frames, rows = np.intersect1d(numbers, of_table, return_indices=True)
        if len(frames) == 0:
            raise ScanError(
                error_text(
                    f"no position belongs to a frame: the frames are numbered {_range(numbers)}, "
                    f"the positions {_range(of_table)}",
                    expected="positions of the same scan",
                )
            )
        x, y = x[rows], y[rows]
        lost = len(numbers) - len(frames)
        if lost:
            notes.append(f"{lost} of {len(numbers)} frames have no position and were left out")
        arrays["diff3d"] = _some(arrays["diff3d"], frames)
    return replace(
        contents,
        arrays=arrays | {"xcoords": x, "ycoords": y},
        position_unit=table.unit,
        notes=tuple(notes),
        frame_numbers=None,
        geometry=contents.geometry.completed_by(table.geometry),
    )


def _without_dark_surplus(contents: ScanContents) -> ScanContents:
    """Leave out frames without light where they are just as many as have no position.

    Dark frames before or after a scan have none. Any other surplus is left to be refused.
    """
    frames, n = contents.arrays["diff3d"], len(contents.arrays["xcoords"])
    surplus = len(frames) - n
    per_frame = "Y" in contents.arrays or np.ndim(contents.bad_pixels) > 2
    if not 0 < surplus < n or per_frame:
        return contents
    spans = chunks(len(frames), int(np.prod(frames.shape[1:])))
    light = np.concatenate([_light(frames[span]) for span in spans])
    bright = np.flatnonzero(light > DARK_SHARE * np.median(light))
    if len(bright) != n:
        return contents
    dark = np.setdiff1d(np.arange(len(frames)), bright)
    note = f"{surplus} frames without light have no position and were left out, from frame {dark[0]} on"
    return replace(
        contents,
        arrays=contents.arrays | {"diff3d": _some(frames, bright)},
        notes=(*contents.notes, note),
    )


def _light(block: Array) -> Array:
    """Sum each frame without its brightest pixels: markers of dead ones outshine all others."""
    flat = np.asarray(block, np.float64).reshape(len(block), -1)
    least = np.sort(flat, axis=1)[:, : max(1, int(0.99 * flat.shape[1]))]
    total: Array = np.maximum(least, 0.0).sum(axis=1)
    return total


def _some(frames: Any, indices: Array) -> Any:
    if len(indices) == len(frames) and np.all(np.diff(indices) == 1):
        return frames
    return frames.subset(indices) if isinstance(frames, FramesOnDisk) else frames[indices]


def _range(numbers: Array) -> str:
    return f"{numbers.min()} to {numbers.max()}" if len(numbers) else "not at all"


def _read_probe(text: str, scan: ScanFile) -> Array:
    path, key = find_place(text, scan.path)
    file = scan if path is None else open_scan(path)
    key = key or next((name for name in file.keys if name in PROBE_KEYS or PTYR_PROBE.fullmatch(name)), "")
    if file.container not in ARCHIVES or key not in file.keys:
        raise ScanError(
            error_text(
                f"data.probe = \"{text}\" names no probe: there is no '{key or 'probe'}' in {file.path}",
                expected="a complex array (N, N) or (modes, N, N), as 'file:key'",
                known=file.shown_keys,
            )
        )
    probe = file.read(key)
    if file.container == "mat5" and probe.ndim > 2:
        # MATLAB counts the modes last.
        probe = np.moveaxis(probe.reshape(*probe.shape[:2], -1), -1, 0)
    # A product holds (coherent modes, incoherent modes, N, N); the coherent ones change from frame to frame.
    return np.asarray(probe[0] if probe.ndim == 4 else probe)
