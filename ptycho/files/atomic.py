"""A file appears whole or not at all."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Hand out a temporary name beside ``path``; take its place only when the block succeeds.

    The temporary name keeps the suffix, so that writers which look at it behave. The content is synced
    to the disk before the rename. When the block raises, ``path`` is what it was before, and
    folders that were made for it are gone.

    Args:
        path: The final name; its folder is made when missing.

    Yields:
        The name to write to; nothing exists there yet.

    Raises:
        OSError: The folder cannot be made or written.
    """
    path = Path(path)
    made = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        with suppress(OSError):  # Somebody else may have put something there meanwhile.
            for folder in made:
                folder.rmdir()
        raise


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with newlines as they are, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode("utf-8"))
