"""A scan is known again, whatever its file is called and however it is stored; another one is told apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.raw_data import RawData
from ptycho.scan import fingerprint as module

Change = Callable[[np.ndarray, np.ndarray, np.ndarray], None]

SIDE, FRAMES = 8, 12


def arrays(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give frames and positions of a small scan."""
    rng = np.random.default_rng(seed)
    frames = rng.integers(1, 200, (FRAMES, SIDE, SIDE), dtype=np.uint16)
    x, y = np.arange(FRAMES) % 4 * 3.0 + 20, np.arange(FRAMES) // 4 * 3.0 + 20
    return frames, x, y


def scan_of(frames: np.ndarray, x: np.ndarray, y: np.ndarray) -> RawData:
    """Give a scan in memory."""
    return RawData.from_coords_without_pc(x, y, frames, np.ones((SIDE, SIDE), np.complex64), None)


@given(st.integers(0, FRAMES - 1), st.integers(0, SIDE - 1), st.integers(0, SIDE - 1))
def test_one_other_value_is_another_scan(frame: int, row: int, column: int) -> None:
    """A scan that is read whole differs where one pixel, one coordinate or the order of frames does."""
    known = scan_of(*arrays()).fingerprint()
    frames, x, y = arrays()
    frames[frame, row, column] += 1
    assert scan_of(frames, x, y).fingerprint() != known
    frames, x, y = arrays()
    y[frame] += 1e-9
    assert scan_of(frames, x, y).fingerprint() != known
    frames, x, y = arrays()
    assert scan_of(np.roll(frames, 1, axis=0), x, y).fingerprint() != known
    assert scan_of(frames, x, y).fingerprint() == known


def test_a_copy_is_the_same_scan(tmp_path: Path) -> None:
    """Under another name, packed, in part, at other positions and with another probe it is known again."""
    scan = RawData.from_file(scan_of(*arrays()).to_file(tmp_path / "a.npz"))
    packed = RawData.from_file(scan.to_file(tmp_path / "b.npz", compressed=True))
    known = scan.fingerprint()
    assert packed.fingerprint() == known
    assert scan.subset([3, 4, 5]).fingerprint() == known
    assert scan.at_positions(scan.positions + 1).fingerprint() == known
    assert scan.with_probe(np.ones((1, SIDE, SIDE), np.complex64), "a guess").fingerprint() == known


def test_each_of_several_scans_has_its_own() -> None:
    """Scans that are put together are known one by one."""
    first, second = (scan_of(*arrays(seed)) for seed in (1, 2))
    together = RawData.concatenate([first, second])
    assert [part.fingerprint() for part in together.parts] == [first.fingerprint(), second.fingerprint()]
    with pytest.raises(TypeError, match="several scans have no fingerprint in common"):
        together.fingerprint()


def test_of_a_huge_scan_some_frames_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many bytes are read as the bound says, the first and the last frame among them."""
    monkeypatch.setattr(module, "_READ_BYTES", 3 * SIDE * SIDE * 2)
    monkeypatch.setattr(module, "_FEWEST", 2)
    known = scan_of(*arrays()).fingerprint()
    changed = set()
    for frame in range(FRAMES):
        frames, x, y = arrays()
        frames[frame] += 1
        if scan_of(frames, x, y).fingerprint() != known:
            changed.add(frame)
    assert changed == {0, 5, FRAMES - 1}
