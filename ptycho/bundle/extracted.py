"""An archive that somebody unpacked: the files of a folder, under the same names and the same limits."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from ptycho.files.archive import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def read_files(folder: Path, limits: Mapping[str, int], largest_sum: int) -> dict[str, bytes]:
    """Read the files of a folder that have a name in the table; others do not belong to it and stay closed.

    Args:
        folder: Where they lie.
        limits: Largest size in bytes, by name.
        largest_sum: Largest size of all together.

    Raises:
        ArchiveError: A file is a link or no plain file, or too large.
        OSError: A file cannot be opened.
    """
    contents: dict[str, bytes] = {}
    for name, limit in limits.items():
        path = folder / name
        if not os.path.lexists(path):
            continue
        facts = path.lstat()
        if not stat.S_ISREG(facts.st_mode):
            raise ArchiveError(f"holds {name}, which is no plain file", "plain files")
        left = min(limit, largest_sum - sum(map(len, contents.values())))
        if facts.st_size > left:
            raise ArchiveError(f"holds {facts.st_size} bytes for {name}", f"at most {left} bytes")
        with path.open("rb") as stream:
            contents[name] = stream.read(left + 1)
    return contents
