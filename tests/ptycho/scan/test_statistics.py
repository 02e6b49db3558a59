"""One pass over the frames: means, evidence and flaws, chunk by chunk."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.scan import statistics
from ptycho.scan.statistics import Flaw, chunks, measure_frames


@given(n=st.integers(0, 500), frame_px=st.integers(1, 10_000_000))
def test_chunks_cover_every_frame_once(n: int, frame_px: int) -> None:
    """The slices cover the range in order, without a gap, and within the bound."""
    slices = list(chunks(n, frame_px))
    assert [i for where in slices for i in range(where.start, where.stop)] == list(range(n))
    for where in slices:
        assert where.stop - where.start == 1 or (where.stop - where.start) * frame_px <= statistics.CHUNK_PX


@pytest.mark.parametrize("chunk_px", [1, 100, 2**21])
def test_means_do_not_depend_on_chunks(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, chunk_px: int
) -> None:
    """The mean of every pixel is that of the whole stack."""
    monkeypatch.setattr(statistics, "CHUNK_PX", chunk_px)
    frames = rng.random((7, 6, 6)).astype(np.float32)
    found = measure_frames(frames)
    np.testing.assert_allclose(found.mean, frames.mean(axis=0), rtol=1e-6)
    assert found.maximum == frames.max()
    assert (found.whole, found.roots, found.flaw) == (False, False, None)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.int32, np.float32, np.float64])
def test_whole_numbers_are_seen(dtype: type) -> None:
    """Whole numbers are whole in every dtype; their sums do not overflow."""
    frames = np.full((300, 4, 4), 200 if dtype is np.uint8 else 60_000, dtype=dtype)
    found = measure_frames(frames)
    assert found.whole
    assert not found.roots
    assert found.mean[0, 0] == found.maximum == float(frames[0, 0, 0])


def test_roots_of_counts_are_seen(rng: np.random.Generator) -> None:
    """Square roots of whole numbers are told from other numbers, in single precision too."""
    counts = rng.poisson(30.0, (4, 8, 8))
    assert measure_frames(np.sqrt(counts).astype(np.float32)).roots
    assert not measure_frames(np.sqrt(counts).astype(np.float32) * 1.1).roots
    assert not measure_frames(rng.random((4, 8, 8))).roots
    assert not measure_frames(rng.uniform(300.0, 400.0, (4, 8, 8)).astype(np.float32)).roots


def test_small_whole_numbers_are_no_roots(rng: np.random.Generator) -> None:
    """Whole numbers have whole squares too; they are whole, and nothing else."""
    found = measure_frames(rng.integers(0, 20, (4, 8, 8)).astype(np.float32))
    assert (found.whole, found.roots) == (True, False)


def test_a_dark_first_chunk_hides_no_roots(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames of zeros at the start are whole numbers and roots; what follows decides."""
    monkeypatch.setattr(statistics, "CHUNK_PX", 64)
    frames = np.sqrt(rng.poisson(30.0, (4, 8, 8)))
    frames[0] = 0.0
    found = measure_frames(frames)
    assert (found.whole, found.roots) == (False, True)


@pytest.mark.parametrize(("kind", "value"), [("NaN", np.nan), ("infinite", np.inf), ("negative", -1.0)])
def test_first_flawed_frame_is_found(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, kind: str, value: float
) -> None:
    """The first flawed frame is named, and flaws of its kind are counted over all chunks."""
    monkeypatch.setattr(statistics, "CHUNK_PX", 32)
    frames = rng.random((9, 4, 4))
    frames[3, 1, 2] = frames[7, 0, 0] = frames[7, 3, 3] = value
    assert measure_frames(frames).flaw == Flaw(kind, 3, 2, 3)


def test_opposite_infinities_do_not_cancel() -> None:
    """Plus and minus infinity in one frame are found, without a numpy warning."""
    frames = np.ones((2, 4, 4))
    frames[1, 0, 0], frames[1, 0, 1] = np.inf, -np.inf
    found = measure_frames(frames).flaw
    assert found is not None
    assert (found.kind, found.first_frame) == ("infinite", 1)


def test_negative_integers_are_flaws() -> None:
    """Signed integers can be negative, and that is a flaw."""
    frames = np.ones((2, 4, 4), np.int16)
    frames[1, 0, 0] = -5
    assert measure_frames(frames).flaw == Flaw("negative", 1, 1, 1)


def test_bad_pixels_take_no_part(rng: np.random.Generator) -> None:
    """A masked pixel may hold anything."""
    frames = rng.poisson(5.0, (3, 4, 4)).astype(float)
    bad = np.zeros((4, 4), bool)
    bad[0, 0] = bad[1, 1] = True
    expected = measure_frames(np.where(bad, 0.0, frames))
    frames[:, 0, 0], frames[:, 1, 1] = np.nan, -1.0
    found = measure_frames(frames, bad)
    assert found.flaw is None
    assert found.whole
    np.testing.assert_array_equal(found.mean, expected.mean)
