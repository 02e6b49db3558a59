"""Arrays of a scan file by the names that settings give, "KEY" or "FILE:X,Y", and which of them would fit."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho.errors import ScanError
from ptycho.files.numbered_names import matching_names, series_of
from ptycho.scan.position_columns import pairs_of_names
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ptycho.scan.scan_file import ScanFile

__all__ = [
    "ARCHIVES",
    "find_place",
    "frames_named",
    "named_keys",
    "names_in",
    "outlines",
    "place_named",
    "position_settings",
    "stacks_of_frames",
]

ARCHIVES = ("npz", "hdf5", "mat5")
"""Files of named arrays."""

SMALLEST_FRAME_PX = 16
"""Datasets with shorter sides are no stacks of frames."""


def find_place(text: str, beside: Path | None) -> tuple[Path | None, str]:
    """Tell file from key in what a setting names: "file", "file:key", or a key of the scan file.

    Args:
        text: The setting.
        beside: The scan file; other files are looked for in the current folder and beside it.

    Returns:
        The file, or None for the scan file itself, and the key, "" for none.
    """
    # Keys hold colons, too: motors are called so at some beamlines. The longest name of a file is taken.
    cuts = [len(text), *(at for at in range(len(text) - 1, 0, -1) if text[at] == ":")]
    for cut in cuts:
        for folder in (Path(), *([beside.parent] if beside is not None else [])):
            candidate = folder / os.path.expanduser(text[:cut])  # noqa: PTH111  An unknown user is no error here.
            if candidate.is_file():
                return candidate, text[cut + 1 :].lstrip("/")
    return None, text.lstrip("/")


def place_named(text: str, file: ScanFile) -> tuple[Path | None, str]:
    """Tell file from key as `find_place` does; an array of the scan file comes before a file of that name."""
    key = text.lstrip("/")
    return (None, key) if key in file.keys else find_place(text, file.path)


def names_in(key: str, keys: Sequence[str]) -> list[str]:
    """Split what names one array or several: a comma separates them, unless one of a pair holds it.

    Args:
        key: What stands behind the file.
        keys: The arrays that there are.
    """
    if not key or key in keys:
        return [key] if key else []
    cuts = [at for at, letter in enumerate(key) if letter == ","]
    pairs = ([key[:at].strip().lstrip("/"), key[at + 1 :].strip().lstrip("/")] for at in cuts)
    whole = next((pair for pair in pairs if all(name in keys for name in pair)), None)
    return whole or [name.strip().lstrip("/") for name in key.split(",")]


def frames_named(text: str, file: ScanFile) -> tuple[str, ...]:
    """Give the arrays of frames that a setting names in a scan file: "KEY", "FILE:KEY", "A,B" or "A*".

    Raises:
        ScanError: The setting names another file, or an array that is not there.
    """
    path, key = place_named(text, file)
    if path is not None and path.resolve() != file.path.resolve():
        raise ScanError(
            error_text(
                f'data.frames = "{text}" names another file than {file.path}',
                expected="an array of the scan file itself",
                hint=f'{path} as the scan, with data.frames = "{key}"',
            )
        )
    named = names_in(key, file.keys) or [key]
    names = tuple(name for one in named for name in matching_names(one, file.keys))
    unknown = [name for name in names if name not in file.keys]
    if unknown:
        raise ScanError(
            error_text(
                f"there is no '{unknown[0]}' in {file.path}",
                written_in=f'data.frames = "{text}"',
                known=file.shown_keys,
            )
        )
    return names


def outlines(file: ScanFile) -> dict[str, tuple[tuple[int, ...], str]]:
    """Give shape and kind (numpy's letter) of every array that can be looked at."""
    seen = {}
    for key in file.keys:
        # A link that leads nowhere: whoever names it is told.
        with suppress(ScanError):
            seen[key] = file.outline(key)
    return seen


def position_settings(file: ScanFile, count: int) -> str:
    """Give the setting that takes arrays of a file as positions of its frames, "" where none fit.

    Args:
        file: The scan file.
        count: How many frames there are.
    """
    if file.container not in ARCHIVES:
        return ""
    seen = outlines(file)
    shapes = {key: shape for key, (shape, kind) in seen.items() if kind in "iuf"}
    lists = [key for key, shape in shapes.items() if tuple(n for n in shape if n != 1) == (count,)]
    tables = [
        key for key, shape in shapes.items() if shape in {(count, 2), (count, 3), (2, count), (3, count)}
    ]
    records = [
        key
        for key, (shape, kind) in seen.items()
        if kind == "V" and shape == (count,) and pairs_of_names(file.fields(key))
    ]
    named = [",".join(pair) for pair in pairs_of_names(lists)] or tables or records
    return f'data.positions = "{file.path}:{named[0]}"' if named else ""


def named_keys(file: ScanFile, positions: str | None) -> str:
    """Give the settings that take a file's arrays by their names; "" where none fit.

    Args:
        file: The file.
        positions: What the settings name already.
    """
    stacks = stacks_of_frames(file)
    if not stacks:
        return ""
    frames = f'data.frames = "{stacks[0]}"'
    if positions:
        return frames
    places = position_settings(file, _count(file, stacks[0]))
    return f"{frames} with {places}" if places else ""


def _count(file: ScanFile, stack: str) -> int:
    """Tell how many frames are in an array, or in those of a pattern."""
    names = matching_names(stack, file.keys)
    shape, _ = file.outline(names[0])
    return shape[-1] if file.container == "mat5" else len(names) * math.prod(shape[:-2])


def stacks_of_frames(file: ScanFile) -> list[str]:
    """List the arrays that could be frames: real numbers of three axes or more, no side too short.

    Arrays that differ by a number alone, one a frame, are listed by their pattern: "images/*".
    """
    # MATLAB counts the frames last.
    sides = slice(2) if file.container == "mat5" else slice(-2, None)
    seen = {key: shape for key, (shape, kind) in outlines(file).items() if kind in "iuf"}
    large = {key: shape for key, shape in seen.items() if min(shape[sides], default=0) >= SMALLEST_FRAME_PX}
    stacks = [key for key, shape in large.items() if len(shape) in {3, 4} or _is_list_of_one(shape)]
    return stacks or [
        series.pattern
        for series in series_of([key for key, shape in large.items() if len(shape) == 2])
        if len({large[name] for name in series.names}) == 1
    ]


def _is_list_of_one(shape: tuple[int, ...]) -> bool:
    """Tell whether all axes before those of a raster have the length 1."""
    return len(shape) > 4 and set(shape[:-4]) == {1}
