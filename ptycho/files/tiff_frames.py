"""Frames in TIFF files: the pages of one, or numbered files of one frame each; read by tifffile."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.files.stored_frames import FramesOnDisk
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["TiffFrames", "file_numbers"]

Array = np.ndarray[Any, Any]

DIGITS = re.compile(r"\d+")


def file_numbers(path: Path) -> list[tuple[int, Path]]:
    """List the files of a series with their numbers, in order: the longest run of digits counts them.

    Args:
        path: One of them.
    """
    runs = list(DIGITS.finditer(path.name))
    if not runs:
        return [(0, path)]
    run = max(runs, key=lambda match: (len(match.group()), match.start()))
    before, after = re.escape(path.name[: run.start()]), re.escape(path.name[run.end() :])
    pattern = re.compile(f"{before}(\\d+){after}")
    found = [
        (int(match.group(1)), other)
        for other in path.parent.iterdir()
        if (match := pattern.fullmatch(other.name))
    ]
    return sorted(found)


class TiffFrames(FramesOnDisk):
    """The pages of TIFF files, one file after the other.

    Args:
        paths: The files; of several, each holds as many pages as the first.
        chosen: Which of the frames, None for all.

    Raises:
        ScanError: A file cannot be read, or their pages differ.
    """

    def __init__(self, paths: Sequence[Path], chosen: Array | None = None) -> None:
        self._paths = tuple(paths)
        self._chosen = chosen
        (self._pages, *sides), self.dtype = _look(self._paths[0])
        count = self._pages * len(self._paths)
        self.shape = (count if chosen is None else len(chosen), sides[0], sides[1])

    def __reduce__(self) -> tuple[Any, tuple[tuple[Path, ...], Array | None]]:
        """Travel to another process as names of files."""
        return TiffFrames, (self._paths, self._chosen)

    def subset(self, indices: Array) -> TiffFrames:
        """Give some of the frames, as a view."""
        return TiffFrames(self._paths, indices if self._chosen is None else self._chosen[indices])

    def _read(self, indices: Array) -> Array:
        places = indices if self._chosen is None else self._chosen[indices]
        frames = np.empty((len(places), *self.shape[1:]), self.dtype)
        for number in np.unique(places // self._pages):
            here = np.flatnonzero(places // self._pages == number)
            frames[here] = self._read_file(self._paths[number], places[here] % self._pages)
        return frames

    def _read_file(self, path: Path, pages: Array) -> Array:
        import tifffile

        expected = (len(pages), *self.shape[1:])
        try:
            block = np.asarray(tifffile.imread(path, key=pages.tolist())).reshape(expected)
        except Exception as error:  # A damaged file makes tifffile and its codecs raise anything.
            raise _unreadable(path, error) from error
        if block.dtype != self.dtype:
            raise _unreadable(path, ValueError(f"{block.dtype}, and {self.dtype} in {self._paths[0].name}"))
        return block


def _look(path: Path) -> tuple[tuple[int, int, int], np.dtype[Any]]:
    """Read number, shape and kind of the pages of a file."""
    import tifffile

    try:
        with _complaints() as complaints, tifffile.TiffFile(path) as file:
            page = file.pages.first
            shape, dtype, count = page.shape, page.dtype, len(file.pages)
    except Exception as error:  # As above.
        raise _unreadable(path, error) from error
    if complaints:
        # tifffile says in its log that pages are missing, and gives those that are there.
        raise _unreadable(path, ValueError(complaints[0]))
    if len(shape) != 2 or dtype is None or dtype.kind not in "biuf":
        raise ScanError(
            error_text(
                f"the pages of {path} have shape {shape} and hold {dtype}",
                expected="one number a pixel: (rows, columns)",
            )
        )
    return (count, shape[0], shape[1]), dtype


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Gather what tifffile complains of, in place of its log."""
    complaints: list[str] = []

    class Gather(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            complaints.append(record.getMessage())

    logger, handler = logging.getLogger("tifffile"), Gather(logging.ERROR)
    propagated, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield complaints
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagated


def _unreadable(path: Path, error: Exception) -> ScanError:
    what = str(error).partition("\n")[0] or type(error).__name__
    return ScanError(
        error_text(
            f"{path} cannot be read as a TIFF file ({what})",
            expected="a whole TIFF file",
            hint="copy the file again; an interrupted copy looks like this",
        )
    )
