"""What makes a folder one of our runs: a small file in it, locked for as long as the run goes on."""

from __future__ import annotations

import json
import os
import platform
import shutil
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from typing import IO, TYPE_CHECKING, Any

from ptycho.files.atomic import named_where_full, write_all
from ptycho.files.locks import is_locked, lock
from ptycho.files.strict_json import parse_table
from ptycho.run.record import BUNDLE, LAST_CHECKPOINT, RECONSTRUCTION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "run.json"
_LARGEST = 2**16
_OLDER_SIGNS = (BUNDLE, LAST_CHECKPOINT, RECONSTRUCTION)
"""Files by which runs are known that were written before they had a file of their own."""


class Identity:
    """Who makes a run and when: a file in its folder, locked for as long as the run goes on.

    Args:
        kind: "training", "inference", "reconstruction", "conversion".
    """

    def __init__(self, kind: str = "training") -> None:
        self._file: IO[bytes] | None = None
        self._facts: dict[str, Any] = {
            "program": "ptychopinn",
            "version": metadata.version("ptychopinn"),
            "kind": kind,
            "id": uuid.uuid4().hex,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "host": platform.node(),
            "process": os.getpid(),
        }

    @contextmanager
    def holding(self, folder: Path) -> Iterator[None]:
        """Write the file, and hold the lock on it for the block.

        Raises:
            OSError: The folder cannot be written.
        """
        try:
            self.write(folder)
            yield
        finally:
            self._release()

    def write(self, folder: Path, **facts: object) -> None:
        """Write the file, with further facts, in the place of the one before.

        Raises:
            OSError: The folder cannot be written.
        """
        self._facts |= facts
        # Locked before it has its name: whoever finds the file finds the lock.
        unnamed = folder / f".{NAME}"
        # Without a buffer: a full disk is met where the file is written, not once more where it is closed.
        file = unnamed.open("wb", buffering=0)
        try:
            lock(file)
            with named_where_full(unnamed):
                write_all(file, json.dumps(self._facts, indent=1).encode() + b"\n")
                os.fsync(file.fileno())
            unnamed.replace(folder / NAME)
        except BaseException:
            file.close()
            raise
        self._release()
        self._file = file

    def is_in(self, folder: Path) -> bool:
        """Tell whether a folder is still the one that the file was written into."""
        try:
            there = (folder / NAME).stat()
        except FileNotFoundError:
            return False
        return self._file is not None and os.path.samestat(there, os.fstat(self._file.fileno()))

    def _release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def is_run(folder: Path) -> bool:
    """Tell whether a folder is one of our runs, by its file or by what only a run leaves."""
    return any((folder / name).is_file() for name in (NAME, *_OLDER_SIGNS))


def maker_of(folder: Path) -> str:
    """Say which process makes a run, on which machine and since when, as its file has it."""
    facts = _facts_of(folder)
    shown = {name: str(facts.get(name, "unknown"))[:100] for name in ("process", "host", "started")}
    return f"process {shown['process']} on {shown['host']} since {shown['started']}"


def made_without_network(folder: Path) -> bool:
    """Tell whether a run is a reconstruction of frames alone, which leaves no network."""
    return kind_of(folder) == "reconstruction"


def kind_of(folder: Path) -> str:
    """Tell what a run is, as its file has it; "" where there is none."""
    return str(_facts_of(folder).get("kind", ""))


def epochs_left_in(folder: Path) -> int:
    """Tell how many epochs Ctrl-C kept a whole run from, as its file has it."""
    epochs = _facts_of(folder).get("epochs_left", 0)
    return epochs if isinstance(epochs, int) else 0


def _facts_of(folder: Path) -> dict[str, Any]:
    path = folder / NAME
    try:
        return parse_table(path.read_bytes()) if path.stat().st_size <= _LARGEST else {}
    except (OSError, ValueError, TypeError):
        return {}


def remove_run(folder: Path) -> None:
    """Remove a run's folder; a removal that is cut short leaves a folder that is known for a run."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != NAME:
            path.unlink()
    (folder / NAME).unlink(missing_ok=True)
    folder.rmdir()


def is_going_on(folder: Path) -> bool:
    """Tell whether the process that makes a run is still alive; False where that cannot be known."""
    path = folder / NAME
    return path.is_file() and is_locked(path, otherwise=False)
