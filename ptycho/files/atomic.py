"""A file appears whole or not at all, and stays when the power goes."""

from __future__ import annotations

import errno
import os
import re
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeGuard

from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_FULL = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})
MAKING_ROOM = "making room, a larger limit (ulimit -f), or another folder"
_CUT_SHORT = re.compile(r"\d+ requested and \d+ written")
"""How numpy's `tofile` says that it got rid of a part, without the number of an error."""


class DiskFullError(OSError):
    """A file did not fit; the message names it, what was written of it, and what is free."""

    def naming(self, written: Path, target: Path) -> DiskFullError:
        """Give the same error about the file that another name stood for."""
        other = DiskFullError(str(self).replace(str(written), str(target), 1))
        other.errno = self.errno
        return other


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Hand out a temporary name beside ``path``; take its place only when the block succeeds.

    The temporary name keeps the suffix, so that writers which look at it behave. The content is synced to the
    disk before the rename, and the folder after it: a rename that only memory knows is lost with the power.
    When the block raises, ``path`` is what it was before, and folders that were made for it are gone.

    Args:
        path: The final name; its folder is made when missing.

    Yields:
        The name to write to; nothing exists there yet.

    Raises:
        DiskFullError: The file does not fit on the disk, or into what the user may write.
        OSError: The folder cannot be made or written.
    """
    path = Path(path)
    made = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}-{os.urandom(4).hex()}{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except BaseException as error:
        size = temporary.stat().st_size if temporary.exists() else 0
        temporary.unlink(missing_ok=True)
        with suppress(OSError):  # Somebody else may have put something there meanwhile.
            for folder in made:
                folder.rmdir()
        if is_full(error):
            raise _full(path, size, error) from error
        raise


def is_full(error: BaseException) -> TypeGuard[OSError]:
    """Tell whether an error is of a disk that has no room, or of a limit that the user may not pass."""
    if not isinstance(error, OSError):
        return False
    return error.errno in _FULL or _CUT_SHORT.fullmatch(str(error)) is not None


@contextmanager
def named_where_full(path: Path) -> Iterator[None]:
    """Name a file that is written within the block where the disk has no room for it.

    Raises:
        DiskFullError: It has none.
    """
    try:
        yield
    except OSError as error:
        if is_full(error):
            size = path.stat().st_size if path.exists() else 0
            raise _full(path, size, error) from error
        raise


def write_all(file: IO[bytes], content: bytes | memoryview) -> None:
    """Write into a file without a buffer: a disk that fills up takes a part, and refuses the rest.

    Raises:
        OSError: Not all of it could be written.
    """
    view = memoryview(content)
    written = 0
    while written < len(view):
        written += file.write(view[written:])


def copy_file(source: Path, target: Path) -> None:
    """Copy a file with its times; the copy appears whole or not at all.

    Raises:
        DiskFullError: There is no room for the copy.
    """
    with replacing(target) as temporary:
        shutil.copy2(source, temporary)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with newlines as they are, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode("utf-8"))


def sync_folder(folder: Path) -> None:
    """Let the names in a folder reach the disk, where the file system can."""
    if os.name == "nt":  # Windows opens no folders.
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # Some network file systems refuse to sync a folder.
            os.fsync(handle)
    finally:
        os.close(handle)


def _room_at(place: Path) -> str:
    """Say how much room there is: bytes, or that no file more can be made, which a disk may lack as well."""
    if hasattr(os, "statvfs"):
        facts = os.statvfs(place)
        if facts.f_files and not facts.f_favail:
            return "no further file (the inodes are used up)"
    return f"{shutil.disk_usage(place).free} bytes"


def _full(path: Path, size: int, error: OSError) -> DiskFullError:
    place = next(folder for folder in path.absolute().parents if folder.exists())
    full = DiskFullError(
        error_text(
            f"{path} could not be written: {error.strerror or os.strerror(errno.ENOSPC)}",
            details={"written": f"{size} bytes", "free": f"{_room_at(place)} at {place}"},
            expected="room for the whole file",
            hint=MAKING_ROOM,
        )
    )
    full.errno = error.errno or errno.ENOSPC
    return full
