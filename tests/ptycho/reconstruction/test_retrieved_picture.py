"""A picture that was retrieved with a probe is kept whole, and serves the scan that it shows alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.files import npz
from ptycho.physics.canvas import Canvas
from ptycho.reconstruction.retrieved_picture import RetrievedPicture, read_pictures, write_pictures
from ptycho.simulate.scan import Simulation, simulate

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.scan.raw_data import RawData

SCAN = simulate(Simulation(N=16, n_frames=12, step_px=3.0, object_seed=2))


def retrieved(scan: RawData = SCAN, left_out: int = 2) -> RetrievedPicture:
    """Give what a retrieval from most frames of a scan would leave: noise with a mean, and its beam."""
    assert scan.probe_modes is not None
    frames = np.arange(left_out, scan.n_frames)
    canvas = Canvas.around(scan.positions[frames], scan.N)
    rng = np.random.default_rng(4)
    picture = 1 + 0.1 * (rng.normal(size=canvas.shape) + 1j * rng.normal(size=canvas.shape))
    return RetrievedPicture(
        object=picture.astype(np.complex64),
        origin_px=np.array(canvas.origin_px, np.int64),
        probe=scan.probe_modes.astype(np.complex64),
        frames=frames,
        positions=np.asarray(scan.positions, np.float64),
        scan=scan.fingerprint(),
    )


def test_pictures_come_back(tmp_path: Path) -> None:
    """Those of all scans are read as they were written, in their order, also from the folder of one scan."""
    pictures = [retrieved(), retrieved(left_out=3)]
    write_pictures(tmp_path, pictures)
    (tmp_path / "scan-2").mkdir()
    (tmp_path / "retrieved-of-mine.npz").write_bytes(b"somebody's own")
    for folder in (tmp_path, tmp_path / "scan-2"):
        for written, read in zip(pictures, read_pictures(folder), strict=True):
            for name, value in vars(written).items():
                np.testing.assert_array_equal(getattr(read, name), value, err_msg=name)
    assert read_pictures(tmp_path / "another") == ()


def test_it_shows_its_own_scan_alone(tmp_path: Path) -> None:
    """A copy of the scan is the scan; some of its frames, frames that lie elsewhere and others are not."""
    picture, N = retrieved(), SCAN.N
    assert picture.shows(SCAN)
    assert picture.shows(SCAN.subset(np.arange(SCAN.n_frames)))
    assert not picture.shows(SCAN.subset(np.arange(0, SCAN.n_frames, 2)))
    assert not picture.shows(SCAN.at_positions(SCAN.positions[:, ::-1]))
    assert not picture.shows(simulate(Simulation(N=N, n_frames=SCAN.n_frames, step_px=3.0, object_seed=3)))


@given(left=st.integers(-9, 9), top=st.integers(-9, 9), wider=st.integers(-9, 9), higher=st.integers(-9, 9))
def test_light_decides_what_is_laid_down(left: int, top: int, wider: int, higher: int) -> None:
    """On any canvas lit pixels keep their places; all others are their mean, and nothing is light there."""
    picture = retrieved()
    x, y = picture.origin_px.tolist()
    height, width = picture.object.shape
    canvas = Canvas((x + left, y + top), (height + higher, width + wider))
    own, laid = picture.on(Canvas((x, y), (height, width))), picture.on(canvas)
    assert laid.object.shape == laid.coverage.shape == canvas.shape
    lit = own.coverage > 1e-3 * own.coverage.max()
    mean = picture.object[lit].mean()
    padded, light = np.full((height + 40, width + 40), mean), np.zeros((height + 40, width + 40))
    padded[20:-20, 20:-20], light[20:-20, 20:-20] = np.where(lit, picture.object, mean), own.coverage
    there = np.s_[20 + top : 20 + top + height + higher, 20 + left : 20 + left + width + wider]
    np.testing.assert_allclose(laid.object, padded[there], rtol=1e-6)
    np.testing.assert_array_equal(laid.coverage, light[there].astype(np.float32))


DAMAGE: dict[str, tuple[dict[str, Any], str]] = {
    "another format": ({"format_version": np.array(2)}, "its format is 2"),
    "no numbers": ({"probe": np.full((1, 16, 16), np.nan, np.complex64)}, "its probe is complex64 of shape"),
    "real": ({"object": np.ones((3, 3))}, "its object is float64 of shape (3, 3), or not finite"),
    "another size": ({"object": np.ones((3, 3), np.complex64)}, "its object is not what its frames light"),
    "no pairs": ({"origin_px": np.array([1])}, "its positions are no pairs"),
    "frames beyond": ({"frames": np.array([3, 12])}, "it names frames beyond the 12 of its scan"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_told_with_its_remedy(kind: str, tmp_path: Path) -> None:
    """What cannot be a picture of its scan is refused by name; without the file sweeps have another start."""
    changes, why = DAMAGE[kind]
    path = tmp_path / "retrieved.npz"
    npz.write(path, {"format_version": np.array(1)} | vars(retrieved()) | changes)
    with pytest.raises(ValueError, match="can go on with") as caught:
        read_pictures(tmp_path)
    first, expected, advice = str(caught.value).splitlines()
    assert first.startswith(f"{path} is no picture that a training can go on with: {why}")
    assert expected == "  expected  what the sweeps before the training wrote"
    assert advice == (
        "  try       copying it again from its run, or removing retrieved.npz: sweeps then start from the "
        "network's picture"
    )


def test_a_cut_file_is_told(tmp_path: Path) -> None:
    """Half a file is damaged, whatever of it is left."""
    path = tmp_path / "retrieved.npz"
    retrieved().save(path)
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(ValueError, match=r"retrieved\.npz is no picture that a training can go on with"):
        read_pictures(tmp_path)
