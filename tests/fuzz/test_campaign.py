"""Whatever a file holds, it is read, or refused by one clear error, within seconds and 500 MB."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # Where the campaign's modules find each other.

import campaign
import readers

CAMPAIGN = Path(campaign.__file__)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux tells it")


def test_every_reader_survives_its_inputs() -> None:
    """Of 2,000 seeded inputs, each is accepted or refused with exit code 2; no process dies."""
    done = subprocess.run(
        [sys.executable, str(CAMPAIGN), "--inputs", "2000", "--seed", "1", "--without-frameworks"],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_checkpoints_are_read_strictly(framework: str) -> None:
    """A checkpoint with anything wrong in it is refused by one error, or makes its whole network."""
    pytest.importorskip(framework)
    words = [sys.executable, str(CAMPAIGN), "--inputs", "200", "--seed", "1"]
    done = subprocess.run(
        [*words, "--reader", f"{framework} checkpoint"],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (KeyError("a"), "an unforeseen KeyError: 'a'"),
        (MemoryError(), "MemoryError without a file: 'there is not enough memory"),
        (ValueError("it is wrong"), "the error does not name the file: 'it is wrong'"),
        (ValueError("input.npz is wrong" + "\n!" * 15_000), "the error has 30018 letters"),
        (ValueError("input.npz is wrong"), ""),
    ],
)
def test_an_unclear_error_is_a_fault(error: Exception, fault: str) -> None:
    """Errors that nobody foresaw, that name no file, or that are endless, are counted."""
    reader = readers.READERS["npz"]
    assert campaign.fault_of(error, Path("input.npz"), reader).startswith(fault)


@pytest.mark.parametrize("name", readers.READERS)
def test_a_seed_gives_the_same_input(name: str, tmp_path: Path) -> None:
    """An input can be made again from its reader, seed and number alone."""
    if name in {"hdf5", "mat", "torch checkpoint"}:
        pytest.skip("these files hold the time at which they were written, or an id of their own")
    reader = readers.READERS[name]
    if reader.framework:
        pytest.skip("its module is imported by a process of its own")
    reader.begin(tmp_path)
    contents = []
    for _ in range(2):
        path = reader.make(random.Random("seed"), tmp_path)
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        contents.append([file.read_bytes() for file in files])
    assert contents[0] == contents[1]
