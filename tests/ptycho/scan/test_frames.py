"""Frames on the way out: centred, cropped, binned, masked, as amplitudes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.scan.frames import Detector, FrameStack

WHOLE = Detector(side_px=16, corner=False, crop_px=16, bin=1)


def frames_of(
    raw: np.ndarray, detector: Detector = WHOLE, quantity: str = "counts", **more: object
) -> FrameStack:
    """Wrap raw frames."""
    return FrameStack(raw, quantity, detector, **more)  # type: ignore[arg-type]


@pytest.fixture
def counts(rng: np.random.Generator) -> np.ndarray:
    """Give five frames of counts."""
    return rng.poisson(300.0, (5, 16, 16)).astype(np.uint16)


def test_counts_become_their_roots(counts: np.ndarray) -> None:
    """The amplitude of counts is their root, in single precision; amplitudes stay what they are."""
    found = frames_of(counts).amplitudes()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.sqrt(counts.astype(float)), rtol=1e-6)
    given = np.sqrt(counts.astype(float))
    np.testing.assert_allclose(frames_of(given, quantity="amplitude").amplitudes(), given, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_large_counts_do_not_overflow(dtype: type) -> None:
    """The largest count of every integer type keeps its energy, binned or not."""
    largest = float(np.iinfo(dtype).max)
    raw = np.full((2, 16, 16), np.iinfo(dtype).max, dtype)
    for binned in (1, 4):
        found = frames_of(raw, Detector(16, False, 16, binned))
        assert found.mean_square() == pytest.approx(256 * largest, rel=1e-6)


@given(binned=st.sampled_from([1, 2, 4, 8]), quantity=st.sampled_from(["counts", "amplitude"]))
def test_binning_keeps_the_photons(binned: int, quantity: str) -> None:
    """Bins add intensities, so that the energy of a frame stays."""
    raw = np.random.default_rng(binned).poisson(9.0, (3, 16, 16)).astype(np.float32)
    whole, coarse = (frames_of(raw, Detector(16, False, 16, b), quantity) for b in (1, binned))
    assert coarse.amplitudes().shape == (3, 16 // binned, 16 // binned)
    np.testing.assert_allclose(
        np.sum(coarse.amplitudes() ** 2, axis=(1, 2)), np.sum(whole.amplitudes() ** 2, axis=(1, 2)), rtol=1e-5
    )


def test_corner_moves_to_the_middle(counts: np.ndarray) -> None:
    """A frame with zero frequency at [0, 0] comes out with it at [N/2, N/2]."""
    expected = frames_of(counts).amplitudes()
    moved = np.fft.ifftshift(counts, axes=(1, 2))
    np.testing.assert_array_equal(frames_of(moved, Detector(16, True, 16, 1)).amplitudes(), expected)


@pytest.mark.parametrize(("side", "crop"), [(16, 8), (16, 2), (17, 9)])
def test_crop_keeps_zero_frequency_central(side: int, crop: int) -> None:
    """After a crop zero frequency is at [m/2, m/2], as it was at [M/2, M/2]."""
    raw = np.zeros((1, side, side))
    raw[0, side // 2, side // 2] = 1.0
    found = frames_of(raw, Detector(side, False, crop, 1)).amplitudes()[0]
    assert np.unravel_index(found.argmax(), found.shape) == (crop // 2, crop // 2)
    assert found.shape == (crop, crop)


def test_bad_pixels_come_out_as_zero(counts: np.ndarray) -> None:
    """A masked pixel is zero whatever it held, and the mask says so after crop and binning."""
    raw = counts.astype(float)
    bad = np.zeros((16, 16), bool)
    bad[8, 9] = True
    raw[:, 8, 9] = np.nan
    plain = frames_of(raw, bad=bad)
    assert np.all(plain.amplitudes()[:, 8, 9] == 0)
    assert np.isfinite(plain.mean_square())
    binned = frames_of(raw, Detector(16, False, 8, 2), bad=bad)
    assert binned.mask is not None
    assert np.argwhere(~binned.mask).tolist() == [[2, 2]]
    assert np.all(binned.amplitudes()[:, 2, 2] == 0)
    assert frames_of(raw).mask is None


def test_mask_moves_with_the_corner(counts: np.ndarray) -> None:
    """A mask is given in the order of the file and comes out in the order of the amplitudes."""
    bad = np.zeros((16, 16), bool)
    bad[0, 1] = True
    found = frames_of(counts, Detector(16, True, 16, 1), bad=bad)
    assert found.mask is not None
    assert np.argwhere(~found.mask).tolist() == [[8, 9]]
    assert np.argwhere(found.amplitudes()[0] == 0).tolist() == [[8, 9]]


def test_subset_of_a_subset(counts: np.ndarray) -> None:
    """Subsets nest, in any order, and copy no frame."""
    part = frames_of(counts).subset(np.array([4, 2, 0])).subset(np.array([2, 0]))
    assert len(part) == 2
    assert part.raw is counts
    np.testing.assert_array_equal(part.amplitudes(), frames_of(counts).amplitudes()[[0, 4]])
    np.testing.assert_array_equal(part.amplitudes(np.array([1])), frames_of(counts).amplitudes()[[4]])


def test_raw_frames_are_never_changed(counts: np.ndarray) -> None:
    """Reading amplitudes leaves the given array as it was, also where it is float32 already."""
    raw = counts.astype(np.float32)
    bad = np.zeros((16, 16), bool)
    bad[3, 3] = True
    before = raw.copy()
    for quantity in ("counts", "amplitude"):
        frames_of(raw, Detector(16, False, 16, 2), quantity, bad=bad).amplitudes(slice(0, 3))
        frames_of(raw, quantity=quantity, bad=bad).amplitudes()
    np.testing.assert_array_equal(raw, before)


@given(
    shape=st.tuples(st.integers(3, 20), st.integers(3, 20)),
    beam=st.tuples(st.integers(0, 19), st.integers(0, 19)),
    crop=st.integers(1, 30),
)
def test_a_crop_around_the_beam_is_a_window(shape: tuple[int, int], beam: tuple[int, int], crop: int) -> None:
    """The crop is the window around the beam of the frame laid on endless ground, whatever the sides."""
    rows, columns = shape
    beam = min(beam[0], rows - 1), min(beam[1], columns - 1)
    frames = 1 + np.arange(2 * rows * columns).reshape(2, rows, columns)
    detector = Detector(rows, False, crop, 1, columns, beam)
    ground = np.zeros((2, rows + 60, columns + 60), frames.dtype)
    ground[:, 30 : 30 + rows, 30 : 30 + columns] = frames
    row, column = beam[0] + 30 - crop // 2, beam[1] + 30 - crop // 2
    window = ground[:, row : row + crop, column : column + crop]
    np.testing.assert_array_equal(detector.cut(frames), window)
    assert detector.overhang == bool((window == 0).any())
    mask = FrameStack(frames, "counts", detector).mask
    np.testing.assert_array_equal(window[0] > 0, np.ones((crop, crop), bool) if mask is None else mask)
