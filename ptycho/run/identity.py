"""What makes a folder one of our runs: a small file in it, locked for as long as the run goes on."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any

from ptycho.files.atomic import named_where_full, write_all
from ptycho.files.strict_json import parse_table

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "run.json"
_LARGEST = 2**16
_OLDER_SIGNS = ("wts.h5.zip", "last.ckpt", "reconstruction.npz")
"""Files by which runs are known that were written before they had a file of their own."""


@contextmanager
def identified(folder: Path, kind: str) -> Iterator[None]:
    """Write who makes a run and when, and hold a lock on that for the block.

    The lock is the operating system's: it goes with the process, however that ends.

    Args:
        folder: The run's folder.
        kind: "training", "inference", "reconstruction", "conversion".

    Raises:
        OSError: The folder cannot be written.
    """
    facts = {
        "program": "ptychopinn",
        "version": metadata.version("ptychopinn"),
        "kind": kind,
        "id": uuid.uuid4().hex,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "host": platform.node(),
        "process": os.getpid(),
    }
    # Locked before it has its name: whoever finds the file finds the lock.
    unnamed = folder / f".{NAME}"
    # Without a buffer: a full disk is met where the file is written, not once more where it is closed.
    with unnamed.open("wb", buffering=0) as file:
        if sys.platform != "win32":
            fcntl.flock(file, fcntl.LOCK_EX)
        with named_where_full(unnamed):
            write_all(file, json.dumps(facts, indent=1).encode() + b"\n")
            os.fsync(file.fileno())
        unnamed.replace(folder / NAME)
        yield


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
    return _facts_of(folder).get("kind") == "reconstruction"


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
    if sys.platform == "win32" or not path.is_file():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # A file system without locks.
            return False
    return False
