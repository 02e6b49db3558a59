"""Normalised frames, in memory or in the file."""

import subprocess
import sys

import numpy as np
import pytest

from ptycho.physics.scale import Normalisation, measure
from ptycho.raw_data import RawData
from ptycho.scan import frame_store


@pytest.fixture
def scales(tiny_scan: RawData) -> Normalisation:
    """The scales of the small scan."""
    return measure(tiny_scan.mean_square(), 64, "counts", None, np.asarray(tiny_scan.probe_modes))


def test_frames_have_the_energy_of_the_convention(tiny_scan: RawData, scales: Normalisation) -> None:
    """The mean over frames of sum X² is (N/2)²."""
    X = frame_store.LazyFrames(tiny_scan, scales.amplitude_factor).frames(np.arange(tiny_scan.n_frames))
    assert X.dtype == np.float32
    assert float((X**2).sum((1, 2)).mean()) == pytest.approx(32**2, rel=1e-5)


def test_memory_and_file_give_the_same_frames(tiny_scan: RawData, scales: Normalisation) -> None:
    """Frames held in memory are, bit for bit, those read when they are needed."""
    lazy = frame_store.LazyFrames(tiny_scan, scales.amplitude_factor)
    used = np.array([1, 4, 9, 30])
    resident = frame_store.ResidentFrames(lazy, used)
    asked = np.array([30, 4, 4, 1])
    assert np.array_equal(resident.frames(asked), lazy.frames(asked))


def test_chunks_fill_the_memory_completely(
    tiny_scan: RawData, scales: Normalisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scan longer than one chunk is read whole."""
    monkeypatch.setattr(frame_store.ResidentFrames, "CHUNK", 7)
    lazy = frame_store.LazyFrames(tiny_scan, scales.amplitude_factor)
    used = np.arange(tiny_scan.n_frames)
    assert np.array_equal(frame_store.ResidentFrames(lazy, used).frames(used), lazy.frames(used))


def test_large_scans_stay_in_the_file(
    tiny_scan: RawData, scales: Normalisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Size decides: what does not fit a quarter of the free memory is read when it is needed."""
    used = np.arange(tiny_scan.n_frames)
    held = frame_store.store_frames(tiny_scan, scales.amplitude_factor, used)
    assert isinstance(held.store, frame_store.ResidentFrames)
    assert held.note == "frames are held in memory (1 MB)"
    monkeypatch.setattr(frame_store, "free_bytes", lambda: 10**6)
    read = frame_store.store_frames(tiny_scan, scales.amplitude_factor, used)
    assert isinstance(read.store, frame_store.LazyFrames)
    assert read.note == "frames are read when they are needed (1 MB in all)"


def test_free_memory_is_a_plausible_number() -> None:
    """The system tells of more than a megabyte."""
    assert frame_store.free_bytes() > 2**20


def test_a_bound_on_the_address_space_counts() -> None:
    """Under `ulimit -v` no more is free than the bound leaves, however much the machine has."""
    program = (
        "import resource; from ptycho.scan.frame_store import free_bytes; "
        "_, hard = resource.getrlimit(resource.RLIMIT_AS); "
        "resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, hard)); "
        "assert 0 < free_bytes() < 4 * 2**30, free_bytes()"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
