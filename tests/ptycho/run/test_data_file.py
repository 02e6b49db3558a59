"""What was seen of a scan file holds until that file changes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from ptycho.run import data_file
from ptycho.run.data_file import SETTLED_NS, probe_side
from ptycho.scan.raw_data import RawData
from ptycho.settings.data import ScanOptions

LONG_AGO_NS = 10 * SETTLED_NS


def write_scan(path: Path, side: int) -> None:
    """Write a scan with a probe of some side; the side of the frames is the same for all."""
    np.savez(path, diff3d=np.zeros((2, 8, 8), np.float32), probeGuess=np.ones((side, side), complex))


@pytest.fixture
def settled_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every file have been written long ago."""
    now = data_file.time.time_ns
    monkeypatch.setattr(data_file.time, "time_ns", lambda: now() + LONG_AGO_NS)


@pytest.mark.usefixtures("settled_clock")
def test_a_scan_that_stays_is_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second look needs no look into the file."""
    scan = tmp_path / "scan.npz"
    write_scan(scan, 8)
    first = probe_side(scan)
    monkeypatch.setattr(data_file, "_look", lambda _: pytest.fail("the file was opened again"))
    assert probe_side(scan) is first
    assert first.side == 8


@pytest.mark.usefixtures("settled_clock")
@pytest.mark.parametrize("replaced", [True, False], ids=["replaced", "in place"])
def test_a_scan_that_changed_is_opened_again(tmp_path: Path, *, replaced: bool) -> None:
    """Another file under the name, or another text in the file, is another scan."""
    scan, other = tmp_path / "scan.npz", tmp_path / "other.npz"
    write_scan(scan, 8)
    write_scan(other, 4)
    assert probe_side(scan).side == 8
    if replaced:
        os.replace(other, scan)  # noqa: PTH105
    else:
        scan.write_bytes(other.read_bytes())
    assert probe_side(scan).side == 4


def test_a_scan_written_just_now_is_opened_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may change again before the clock of its file system moves."""
    scan = tmp_path / "scan.npz"
    write_scan(scan, 8)
    looks: list[Path] = []
    look = data_file._look
    monkeypatch.setattr(data_file, "_look", lambda path: looks.append(path) or look(path))
    assert probe_side(scan) == probe_side(scan)
    assert looks == [scan, scan]


@pytest.mark.usefixtures("settled_clock")
def test_a_scan_of_several_files_is_opened_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What HDF5 says may stand in another file, which changes without it."""
    import h5py

    scan = tmp_path / "scan.h5"
    with h5py.File(scan, "w") as file:
        file["diff3d"] = np.zeros((2, 8, 8), np.float32)
        file["probeGuess"] = np.ones((8, 8), complex)
    looks: list[Path] = []
    look = data_file._look
    monkeypatch.setattr(data_file, "_look", lambda path: looks.append(path) or look(path))
    probe_side(scan)
    probe_side(scan)
    assert looks == [scan, scan]


@pytest.mark.parametrize("pixel", [None, 75e-6, (75e-6, 75e-6), (150e-6, 75e-6), (150e-6, 50e-6)])
def test_the_side_is_that_of_the_scan(tmp_path: Path, pixel: float | tuple[float, float] | None) -> None:
    """Whatever a setting says of the pixel, and the file of another, frames are as large as once read."""
    import h5py

    scan = tmp_path / "scan.h5"
    with h5py.File(scan, "w") as file:
        file["frames"] = np.random.default_rng(0).poisson(5, (20, 128, 256)).astype(np.float32)
        file["x"], file["y"] = np.arange(20) % 5 * 1e-7, np.arange(20) // 5 * 1e-7
        file["y_pixel_size_m"], file["x_pixel_size_m"] = 75e-6, 150e-6
    options = ScanOptions(position_unit="m", energy_kev=8.0, distance_m=1.0, pixel_size_m=pixel)
    assert probe_side(scan).under(options).frame_side == RawData.from_file(scan, options=options).N
