"""What stands at the place of a new file is kept beside it, never overwritten."""

from __future__ import annotations

import errno
import filecmp
import logging
import os
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho.files.atomic import DiskFullError, sync_folder
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_log = logging.getLogger(__name__)

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
        yield written
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
