"""What stands at the place of a new file is kept beside it, never overwritten."""

from __future__ import annotations

import errno
import filecmp
import logging
import os
import re
import sys
import time
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho.files.atomic import DiskFullError, sync_folder
from ptycho.files.locks import is_locked, lock
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_log = logging.getLogger(__name__)

_UNMARKED_S = 60.0
"""Nobody pauses for longer in the writing of a file."""

__all__ = ["first_free", "keeping_earlier", "require_other_file"]


def first_free(target: Path) -> Path:
    """Give the first of TARGET.1, TARGET.2 and so on that nothing has taken."""
    numbered = (target.with_name(f"{target.name}.{number}") for number in count(1))
    return next(path for path in numbered if not os.path.lexists(path))


@contextmanager
def keeping_earlier(target: Path) -> Iterator[Path]:
    """Hand out a name to write to, which becomes ``target`` when the block succeeds.

    A file that stands there with another content is kept as ``TARGET.1``, ``TARGET.2`` and so on. A link is
    followed: what it leads to is kept and made anew, the link stays. When the block raises, nothing changes.

    Args:
        target: The final name.

    Yields:
        A name with the same suffix in the same folder; the block writes there, whole or not at all.

    Raises:
        OSError: A folder stands there, or the folder cannot be written.
    """
    place = Path(os.path.realpath(target))
    if place.is_dir():
        raise IsADirectoryError(
            errno.EISDIR, error_text(f"{target} is a folder", expected="the name of a file to write")
        )
    written = place.with_name(f".{place.stem}-{os.urandom(4).hex()}{place.suffix}")
    try:
        with _at_work(written, place):
            yield written
        with _locked(written):
            if place.exists() and not filecmp.cmp(written, place, shallow=False):
                earlier = first_free(place)
                _keep(place, earlier)
                _log.info("the earlier file is kept as %s", earlier)
            written.replace(place)
        sync_folder(place.parent)
    except DiskFullError as error:
        written.unlink(missing_ok=True)
        # The user knows the name that was asked for, and not the one that stood for it.
        raise error.naming(written, target) from error
    except BaseException:
        written.unlink(missing_ok=True)
        raise


@contextmanager
def _at_work(written: Path, place: Path) -> Iterator[None]:
    """Mark a temporary name as that of a living process, after what killed ones left at the place is gone."""
    if sys.platform == "win32" or not place.parent.is_dir():  # Windows renames no open file.
        yield
        return
    _remove_leftovers(place)
    with written.open("xb") as file:
        lock(file)
        yield
        if not written.stat().st_size:  # The mark alone.
            raise FileNotFoundError(errno.ENOENT, "nothing was written", str(written))


@contextmanager
def _locked(written: Path) -> Iterator[None]:
    """Hold a lock on the whole file, which took the place of the mark."""
    if sys.platform == "win32":
        yield
        return
    with written.open("rb") as file:
        lock(file)
        yield


def _remove_leftovers(place: Path) -> None:
    """Remove what processes left that were killed while they wrote a file."""
    hexadecimal = "-[0-9a-f]{8}"
    ours = re.compile(
        rf"\.(?P<within>\.)?{re.escape(place.stem)}{hexadecimal}(?(within){hexadecimal}){re.escape(place.suffix)}"
    )
    names = [path.name for path in place.parent.iterdir() if ours.fullmatch(path.name)]
    # What was written for a mark comes before the mark, by which it is known.
    for name in sorted(names, key=len, reverse=True):
        path = place.with_name(name)
        mark = path if not name.startswith("..") else place.with_name(f"{path.stem[1:-9]}{place.suffix}")
        with suppress(FileNotFoundError):  # Another process cleans up as well.
            if _is_left(path, mark):
                path.unlink()
                _log.info("%s, which a process left that was ended, was removed", path)


def _is_left(path: Path, mark: Path) -> bool:
    """Tell whether nobody works on a temporary file any more; one without a mark has to be old."""
    if mark.exists():
        return not is_locked(mark, otherwise=True)
    return time.time() - path.stat().st_mtime > _UNMARKED_S


def _keep(place: Path, earlier: Path) -> None:
    try:
        # A second name first: there is no moment at which the place is empty.
        earlier.hardlink_to(place)
    except OSError:  # FAT and some network file systems know no second name.
        place.rename(earlier)


def require_other_file(target: Path, sources: Iterable[Path], hint: str) -> None:
    """Refuse to write over a file that is read, by whatever name or link.

    Args:
        target: What is to be written.
        sources: What is read; those that do not exist are passed over.
        hint: What to write in place of it.

    Raises:
        FileExistsError: The target is one of them.
    """
    if not target.exists():
        return
    for source in sources:
        if source.exists() and source.samefile(target):
            raise FileExistsError(
                error_text(
                    f"{target} is read here{_also(source, target)}: no file is written over its own source",
                    expected="another name",
                    hint=hint,
                )
            )


def _also(source: Path, target: Path) -> str:
    return "" if source == target else f" as {source}"
