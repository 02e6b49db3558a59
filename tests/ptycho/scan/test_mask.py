"""Bad pixels: from a key of the scan file, or from a file of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptycho.errors import ScanError
from ptycho.files import npz
from ptycho.scan.mask import load_bad_pixels, marks_good_pixels


@pytest.fixture
def bad() -> np.ndarray:
    """Give a mask with one bad pixel."""
    bad = np.zeros((8, 8), bool)
    bad[2, 5] = True
    return bad


def test_no_mask_by_default() -> None:
    """Without a setting there is no mask."""
    assert load_bad_pixels(None, (8, 8), None) is None


def test_every_source_gives_the_same_mask(jail: Path, bad: np.ndarray) -> None:
    """A key of the scan file, an .npy file and an .npz file with or without the key 'mask' are read alike."""
    scan = npz.write("scan.npz", {"hot": bad.astype(np.uint8) * 7})
    np.save("bad.npy", bad)
    npz.write("bad.npz", {"other": np.zeros(3), "mask": bad})
    npz.write("lone.npz", {"pixels": bad})
    for name in ("hot", "bad.npy", "bad.npz", "lone.npz"):
        found = load_bad_pixels(name, (8, 8), scan)
        assert found is not None
        np.testing.assert_array_equal(found, bad)


def test_unknown_mask_is_refused(jail: Path, bad: np.ndarray) -> None:
    """A name that is neither key nor file is refused with the keys of the scan file."""
    scan = npz.write("scan.npz", {"diff3d": bad, "hot": bad})
    with pytest.raises(ScanError) as caught:
        load_bad_pixels("cold", (8, 8), scan)
    assert str(caught.value) == (
        'data.mask = "cold" is neither a key of scan.npz nor an .npy or .npz file\n'
        "  expected    an array of one value per detector pixel, non-zero = bad\n"
        "  known here  diff3d, hot\n"
        "  try         np.save(path, bad) and data.mask = path"
    )
    with pytest.raises(ScanError, match="neither a key of arrays in memory"):
        load_bad_pixels("cold", (8, 8), None)


def test_mask_of_another_shape_is_refused(jail: Path, bad: np.ndarray) -> None:
    """A mask that does not cover the frame is refused."""
    np.save("bad.npy", bad)
    with pytest.raises(ScanError) as caught:
        load_bad_pixels("bad.npy", (16, 16), None)
    assert str(caught.value) == (
        "the mask in bad.npy has shape (8, 8)\n  expected  one value per detector pixel: (16, 16)\n"
        "  try       a mask of the frames as the file holds them, before data.crop_px and data.bin"
    )


def test_inverted_mask_is_refused(jail: Path) -> None:
    """A mask that leaves nothing is refused with the way to invert one."""
    np.save("bad.npy", np.ones((8, 8)))
    with pytest.raises(ScanError) as caught:
        load_bad_pixels("bad.npy", (8, 8), None)
    assert str(caught.value) == (
        "the mask in bad.npy marks every pixel as bad\n"
        "  expected  0 for a good pixel, anything else for a bad one\n"
        "  try       np.save(path, ~good)"
    )


@settings(deadline=None)
@given(seed=st.integers(0, 2**16), share=st.floats(0.0, 0.45))
def test_marks_of_good_pixels_are_told_by_the_light(seed: int, share: float) -> None:
    """A mask of good pixels marks most of them and all light; one of bad pixels never does."""
    rng = np.random.default_rng(seed)
    frames = rng.poisson(50 * np.exp(-np.hypot(*np.mgrid[-8:8, -8:8]) / 3), (20, 16, 16))
    bad = rng.random((16, 16)) < share
    bad[7:9, 7:9] = False
    assert not marks_good_pixels(bad, frames)
    assert not marks_good_pixels(bad, np.where(bad, 0, frames))
    assert marks_good_pixels(~bad, np.where(bad, 0, frames))
    assert marks_good_pixels(~bad, np.where(bad, 2**16 - 1, frames))
    # Somebody may want the middle alone, dim as the rest is.
    rim = np.hypot(*np.mgrid[-8:8, -8:8]) > 5
    assert not marks_good_pixels(rim, frames)
