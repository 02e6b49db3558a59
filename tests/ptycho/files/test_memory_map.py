"""Pages of mapped files go back to the system, and nothing else does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ptycho.files.memory_map import release_pages

SCRIPT = """
import sys
from pathlib import Path
from ptycho.raw_data import RawData


def peak_kb():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


before = peak_kb()
scan = RawData.from_file(sys.argv[1])
scan.mean_square()
print(scan.n_frames, (peak_kb() - before) // 1024)
"""


def test_released_pages_are_read_again(tmp_path: Path) -> None:
    """An array, and any view of it, says the same after its pages were handed back."""
    np.save(tmp_path / "a.npy", np.arange(10**5))
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r").reshape(10, 100, 100)
    assert mapped[3, 1, 4] == 30_104
    release_pages(mapped.transpose(2, 0, 1))
    np.testing.assert_array_equal(mapped.ravel(), np.arange(10**5))


@pytest.mark.parametrize("mode", ["c", "r+"])
def test_maps_that_hold_changes_are_left_alone(tmp_path: Path, mode: str) -> None:
    """What somebody wrote into a map of his own is not dropped."""
    np.save(tmp_path / "a.npy", np.zeros(10**5))
    mapped = np.load(tmp_path / "a.npy", mmap_mode=mode)  # type: ignore[call-overload]
    mapped[:] = 7
    release_pages(mapped)
    assert (mapped == 7).all()
    release_pages(np.ones(3))


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="Linux tells the peak of one process")
def test_a_pass_over_a_scan_keeps_none_of_it(tmp_path: Path) -> None:
    """Reading and measuring an uncompressed scan of 256 MB takes a small part of that in memory."""
    n, N = 4096, 128
    path = tmp_path / "scan.npz"
    rng = np.random.default_rng(0)
    frames = np.zeros((n, N, N), np.float32)
    frames[:, 60:68, 60:68] = rng.poisson(50, (n, 8, 8))
    np.savez(path, diff3d=frames, xcoords=rng.uniform(0, 900, n), ycoords=rng.uniform(0, 900, n))
    said = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path)], capture_output=True, text=True, check=True
    ).stdout
    read, grown_mb = map(int, said.split())
    assert read == n
    assert grown_mb < 100
