"""Parts of virtual datasets in HDF5 files: what is missing of them would read as zeros."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.files.foreign import require_regular
from ptycho.files.number_ranges import written_numbers
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

STILL_WRITTEN = "already open for write"
"""In HDF5's message on a file whose header says that somebody writes it."""

__all__ = ["open_file", "require_parts", "unreadable"]


def require_parts(
    dataset: Any, key: str, path: Path, file: Any, excused: Callable[[int], Collection[int]] | None = None
) -> None:
    """Refuse a virtual dataset with a missing part: HDF5 would read it as zeros, without a word.

    Args:
        dataset: The dataset; one that is not virtual passes.
        key: What it is called.
        path: Its file.
        file: That file, open.
        excused: Gives, of so many, the numbers of the frames that are left out: these may be missing.

    Raises:
        ScanError: A file is missing, or lacks what is taken of it.
    """
    if not dataset.is_virtual:
        return
    sources = dataset.virtual_sources()
    # "%b" stands for the number of a block; the first one tells whether they are there at all.
    names = {source.file_name.replace("%b", "0") for source in sources} - {"."}
    missing = sorted(name for name in names if not (path.parent / name).exists())
    lost = _frames_of(dataset, [one for one in sources if one.file_name in missing])
    if missing and (excused is None or not lost <= set(excused(_count(dataset)))):
        raise ScanError(
            error_text(
                f"'{key}' in {path} is made of parts, and {len(missing)} of {len(names)} files are "
                f"missing: {', '.join(missing)}",
                expected=f"these files beside {path.name}; their frames would read as zeros",
                hint=(
                    f'data.leave_out = "{written_numbers(sorted(lost))}" takes the others; or '
                    if 0 < len(lost) < _count(dataset)
                    else ""
                )
                + "copy the data files along with the file that links to them",
            )
        )
    for name in sorted((names | {"."}) - set(missing)):
        own = [source for source in sources if source.file_name.replace("%b", "0") == name]
        if own:
            _require_whole_part(key, name, path, file, own)


def _count(dataset: Any) -> int:
    return math.prod(dataset.shape[:-2])


def _frames_of(dataset: Any, sources: list[Any]) -> set[int]:
    """Give the numbers of the frames that lie in some parts; none where HDF5 does not know their bounds."""
    axes = dataset.shape[:-2]
    frames: set[int] = set()
    for source in sources:
        try:
            first, last = source.vspace.get_select_bounds()
        except ValueError:
            return set()
        spans = [range(start, end + 1) for start, end in zip(first[: len(axes)], last, strict=False)]
        frames.update(int(np.ravel_multi_index(place, axes)) for place in product(*spans))
    return frames


def _require_whole_part(key: str, name: str, whole: Path, open_whole: Any, sources: list[Any]) -> None:
    """Refuse a part that lacks what is taken of it: that, too, would read as zeros."""
    path = whole if name == "." else whole.parent / name
    try:
        file = open_whole if name == "." else open_file(path)
    except OSError as error:
        raise unreadable(key, path, error) from error
    try:
        for source in sources:
            place = source.dset_name.replace("%b", "0")
            shape = file[place].shape if place in file else None
            needed, by_axis = _needed(source)
            if shape is None or _falls_short(shape, needed, by_axis=by_axis):
                there = "is not there" if shape is None else f"has shape {shape}"
                raise ScanError(
                    error_text(
                        f"'{key}' in {whole} is made of parts, and '{place}' in {path} {there}",
                        expected=f"{needed} or more; what lacks would read as zeros",
                        hint="copy the data files again, along with the file that links to them",
                    )
                )
    finally:
        if name != ".":
            file.close()


def _needed(source: Any) -> tuple[tuple[int, ...], bool]:
    """Give the shape that a part must have at least, and whether for each axis or for its numbers alone.

    Nothing is needed of a part that is taken however long it is: HDF5 knows no bounds of it.
    """
    for space, by_axis in ((source.src_space, True), (source.vspace, False)):
        try:
            first, last = space.get_select_bounds()
        except ValueError:  # All of the part, whose shape is not written down.
            continue
        beginning = (0,) * len(first) if by_axis else first
        return tuple(int(end - start + 1) for start, end in zip(beginning, last, strict=True)), by_axis
    return (), False


def _falls_short(shape: tuple[int, ...], needed: tuple[int, ...], *, by_axis: bool) -> bool:
    if not by_axis:
        return math.prod(shape) < math.prod(needed) if needed else False
    return any(length < least for length, least in zip(shape, needed, strict=False))


def open_file(path: Path) -> Any:
    """Open an HDF5 file for reading, also where the file system knows no locks."""
    import h5py

    require_regular(path)
    try:
        # Not without a lock at once: HDF5 refuses a file that the same process has open with one.
        return h5py.File(path, "r")
    except OSError as error:
        if STILL_WRITTEN in str(error):
            return _open_while_written(path, error)
        # Scans lie on network file systems that know no locks.
        if "lock" not in str(error):
            raise
        return h5py.File(path, "r", locking=False)


def _open_while_written(path: Path, why: OSError) -> Any:
    """Open a file that says that it is being written, as a scan that was killed says for ever.

    Raises:
        ScanError: It was not written for others to read meanwhile (SWMR).
    """
    import h5py

    try:
        return h5py.File(path, "r", libver="latest", swmr=True)
    except OSError:
        raise ScanError(
            error_text(
                f"{path} is being written, or its writer was killed ({why})",
                expected="a file that was closed",
                hint=f"wait for the end of the scan; after it, h5clear -s {path} (a program of HDF5)",
            )
        ) from why


def unreadable(key: str, path: Path, error: OSError) -> ScanError:
    """Make the error that a dataset is not whole."""
    return ScanError(
        error_text(
            f"'{key}' in {path} cannot be read ({error})",
            expected="a whole dataset",
            hint="copy the file again; an interrupted copy looks like this",
        )
    )
