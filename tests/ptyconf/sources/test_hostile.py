"""Hostile files through the command line: an error within a second of computing, in bounded memory."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = """
from dataclasses import dataclass
from ptyconf import Schema, View

@dataclass
class Model:
    gridsize: int = 1

schema = Schema("small", [View(Model, "model")])
"""
MEMORY = 400 * 2**20
FILES: dict[str, tuple[bytes, str]] = {
    "deep arrays": (b"a = " + b"[" * 10_000 + b"]" * 10_000, "bad.toml is nested more than 100 deep"),
    "deep tables": (
        b"a = " + b"{b = " * 10_000 + b"1" + b"}" * 10_000,
        "bad.toml is nested more than 100 deep",
    ),
    "50 MB": (b"a = 1\n" * 8_400_000, "bad.toml has 50400000 bytes; at most 2000000 are read"),
    "1 MB key": (b"k" * 1_000_000 + b" = 1", f"unknown setting '{'k' * 76} ...'"),
    "100,000 keys": (b"".join(b"k%d = 1\n" % n for n in range(100_000)), "unknown setting 'k0'"),
    "100,000 sections": (b"".join(b"[k%d]\n" % n for n in range(100_000)), "unknown setting 'k0'"),
    "not UTF-8": (b"a = '\xff'", "bad.toml is not UTF-8: byte 0xff"),
    "NUL": (b"a = 1\0", "bad.toml holds a NUL character"),
    "quotes": (b'a = """' + b'"\\' * 500_000, "bad.toml is not TOML: "),
    "blanks": (b"a =" + b" " * 1_000_000, "bad.toml is not TOML: "),
}


def bound() -> None:
    """Give the process no more memory than this."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def processor_seconds() -> float:
    """Time what ended processes have computed; other work on the machine does not count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def check(folder: Path, *options: str) -> tuple[int, str, float]:
    """Run ``ptyconf check`` on bad.toml as a process."""
    (folder / "small.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "ptyconf", "check", "small", "bad.toml", *options]
    start = processor_seconds()
    # The time on the clock only ends what waits for ever; what computing may take is held below.
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, timeout=60, preexec_fn=bound, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout, processor_seconds() - start


def start_seconds(folder: Path) -> float:
    """Time a check of an empty file, which is all start."""
    (folder / "bad.toml").write_text("")
    return check(folder)[2]


@pytest.mark.parametrize("name", FILES)
def test_hostile_file_fails_the_check(jail: Callable[..., Path], name: str) -> None:
    """Answer at once and shortly."""
    raw, first = FILES[name]
    start = start_seconds(jail())
    jail("bad.toml", raw)
    code, out, seconds = check(jail())
    assert (code, out.splitlines()[0][: len(first)]) == (1, first)
    assert len(out) < 20_000
    assert seconds - start < 1.0


@pytest.mark.parametrize("kind", ["FIFO", "folder", "device", "loop", "circle"])
def test_what_is_no_file_fails_the_check(jail: Callable[..., Path], kind: str) -> None:
    """Nothing is waited for, nothing goes round for ever."""
    start = start_seconds(jail())
    path = jail("bad.toml")
    path.unlink()
    make = {
        "FIFO": lambda: os.mkfifo(path),
        "folder": path.mkdir,
        "device": lambda: path.symlink_to("/dev/zero"),
        "loop": lambda: path.symlink_to(path),
        "circle": lambda: jail("bad.toml", "include = 'again.toml'\n"),
    }
    make[kind]()
    (jail() / "again.toml").symlink_to(path)
    code, out, seconds = check(jail(), "--json")
    said = json.loads(out)["problems"]
    assert (code, len(said)) == (1, 1)
    assert (
        said[0]["text"]
        == {
            "FIFO": "bad.toml is not a regular file",
            "folder": "bad.toml is not a regular file",
            "device": "bad.toml is not a regular file",
            "loop": 'the file "bad.toml" cannot be read: Too many levels of symbolic links',
            "circle": f'the include "{path.parent}/again.toml" goes round in a circle',
        }[kind]
    )
    assert seconds - start < 1.0
