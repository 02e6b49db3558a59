"""Pixels that measure nothing are told from those that are dim, bright or noisy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptycho.files import npz
from ptycho.raw_data import RawData
from ptycho.scan.bad_pixels import PixelFindings, find_bad_pixels, find_dark_frames
from ptycho.scan.pixel_table import tabulate
from ptycho.settings.data import ScanOptions

N = 24
SEEDS = st.integers(0, 2**16)
PLACES = st.tuples(st.integers(3, N - 4), st.integers(3, N - 4)).filter(
    lambda place: max(abs(place[0] - N // 2), abs(place[1] - N // 2)) > 3
)


def counts(seed: int, n: int = 40, photons: float = 40.0, dtype: Any = np.uint16) -> np.ndarray[Any, Any]:
    """Draw frames of a bright disk on a dim ground."""
    disk = np.hypot(*np.meshgrid(*(np.arange(N) - N // 2,) * 2)) < 6
    return np.random.default_rng(seed).poisson(4.0 + photons * disk, size=(n, N, N)).astype(dtype)


def find(frames: np.ndarray[Any, Any], known: np.ndarray[Any, Any] | None = None) -> PixelFindings:
    """Look for bad pixels."""
    return find_bad_pixels(tabulate(frames, known), frames.dtype, known, (N // 2, N // 2))


@settings(deadline=None)
@given(seed=SEEDS, photons=st.floats(0.0, 3000.0), n=st.integers(1, 60))
def test_noise_is_no_flaw(seed: int, photons: float, n: int) -> None:
    """Whatever the light, Poisson counts of a working detector have no bad pixel."""
    findings = find(counts(seed, n, photons))
    assert not findings.bad.any()
    assert not findings.flaws
    assert findings.notes == ()


@settings(deadline=None)
@given(
    seed=SEEDS,
    place=PLACES,
    kind=st.sampled_from(
        [
            (np.uint16, 65535),
            (np.uint8, 255),
            (np.uint32, 2**32 - 1),
            (np.int32, -1),
            (np.int16, -2),
            (np.uint32, 0),
            (np.float32, -1.0),
            (np.float32, 2**32 - 1),
            (np.float64, 2**20 - 1),
            (np.uint32, 2**16 - 1),
            (np.float32, np.nan),
            (np.float64, np.inf),
        ]
    ),
)
def test_a_marked_pixel_alone_is_masked(seed: int, place: tuple[int, int], kind: tuple[Any, float]) -> None:
    """The largest value of the type, a negative one, no number and lasting dark mask their pixel alone."""
    dtype, value = kind
    frames = np.minimum(counts(seed, photons=60.0), 200).astype(dtype)
    frames[:, place[0], place[1]] = value
    assert [tuple(found) for found in np.argwhere(find(frames).bad).tolist()] == [place]


@settings(deadline=None)
@given(seed=SEEDS, place=PLACES, level=st.integers(5000, 50000))
def test_a_hot_pixel_is_masked(seed: int, place: tuple[int, int], level: int) -> None:
    """A pixel far brighter than all around it is masked, stuck or noisy."""
    frames = counts(seed, dtype=np.uint32)
    frames[:, place[0], place[1]] = np.random.default_rng(seed).poisson(level, len(frames))
    assert [tuple(found) for found in np.argwhere(find(frames).bad).tolist()] == [place]


def test_the_beam_itself_is_not_hot() -> None:
    """Zero frequency may outshine its neighbours: an empty beam is one bright pixel."""
    frames = counts(0, dtype=np.uint32)
    frames[:, N // 2, N // 2] += 10**6
    assert not find(frames).bad.any()


@settings(deadline=None)
@given(
    seed=SEEDS,
    places=st.lists(st.tuples(st.integers(0, 39), PLACES), min_size=1, max_size=5, unique_by=lambda p: p[1]),
)
def test_a_spike_is_found_in_its_frame(seed: int, places: list[tuple[int, tuple[int, int]]]) -> None:
    """A value that one frame alone shows is named by frame, row and column, and its pixel stays good."""
    frames = counts(seed, dtype=np.uint32)
    for frame, (row, column) in places:
        frames[frame, row, column] = 500_000
    findings = find(frames)
    assert not findings.bad.any()
    expected = sorted((frame, row, column) for frame, (row, column) in places)
    assert sorted(map(tuple, findings.flaws.spikes.tolist())) == expected


def test_a_spike_in_the_dark_is_found() -> None:
    """Where no frame has light, one lone value is a spike, and a patch of light that comes once is none."""
    frames = counts(2, dtype=np.uint32)
    frames[:, :6] = 0
    frames[7, 2, 3] = 500_000
    frames[9, 1:4, 8:11] = 900
    findings = find(frames)
    assert findings.flaws.spikes.tolist() == [[7, 2, 3]]


def test_saturation_is_found_by_its_level() -> None:
    """Many pixels that share their highest value are saturated there: they say that so much fell, or more."""
    frames = np.minimum(counts(1, photons=3000.0), 2900)
    findings = find(frames)
    assert findings.saturation == 2900
    assert findings.saturated[N // 2, N // 2]
    assert not findings.bad.any()
    assert any("pixels are saturated at 2900, " in note for note in findings.notes)


def test_saturation_in_a_bin_is_masked() -> None:
    """A sum over saturated and other pixels has no ceiling: what mostly is saturated is masked then."""
    frames = np.minimum(counts(1, photons=3000.0), 2900)
    table = tabulate(frames)
    findings = find_bad_pixels(table, frames.dtype, None, (N // 2, N // 2), one_sided=False)
    assert findings.saturation is None
    assert findings.flaws.ceiling == 2900
    assert findings.bad[N // 2, N // 2]


def test_frames_without_light_are_told() -> None:
    """Frames far below the usual light are dark; where frames hold few photons, none is."""
    frames = counts(2)
    frames[[3, 9]] = 0
    assert np.flatnonzero(find_dark_frames(tabulate(frames))).tolist() == [3, 9]
    few = np.zeros_like(frames)
    few[::3, N // 2, N // 2] = 1
    assert not find_dark_frames(tabulate(few)).any()


@pytest.fixture
def scan_of(jail: Path) -> Any:
    """Give a scan of frames read from a file."""

    def read(frames: np.ndarray[Any, Any], options: ScanOptions | None = None, **more: Any) -> RawData:
        n = len(frames)
        positions = {"xcoords": np.arange(n) % 7 * 4.0, "ycoords": np.arange(n) // 7 * 4.0}
        probe = np.ones((N, N), np.complex64)
        return RawData.from_file(
            npz.write("scan.npz", positions | {"diff3d": frames, "probeGuess": probe} | more), options=options
        )

    return read


def test_dark_frames_take_their_positions_along(scan_of: Any) -> None:
    """A frame that is left out leaves no position, number or amplitude behind, and that is said."""
    frames = counts(2)
    frames[[3, 9]] = 0
    scan = scan_of(frames, scan_index=np.arange(40))
    kept = np.delete(np.arange(40), [3, 9])
    assert scan.n_frames == 38
    np.testing.assert_array_equal(scan.scan_index, kept)
    np.testing.assert_array_equal(scan.xcoords, kept % 7 * 4.0)
    np.testing.assert_allclose(scan.amplitudes() ** 2, frames[kept], rtol=1e-6)
    assert "2 frames were taken without light and are left out: 3, 9" in scan.decisions


def test_a_spike_lights_no_dark_frame(scan_of: Any) -> None:
    """A frame without light is left out, also where a spike outshines what a frame usually holds."""
    frames = counts(5, dtype=np.uint32)
    frames[[6, 17, 30]] = 0
    frames[17, 4, 9] = 500_000
    frames[20, 15, 3] = 500_000
    scan = scan_of(frames)
    assert len(scan) == len(frames) - 3
    assert any(
        "3 frames were taken without light and are left out: 6, 17, 30" in note for note in scan.decisions
    )


def test_a_spike_is_replaced_in_its_frame_only(scan_of: Any) -> None:
    """A spike reads as its pixel's mean; every other value is as it was."""
    frames = counts(3, dtype=np.uint32)
    spiked = frames.copy()
    spiked[5, 4, 4] = 400_000
    read, clean = scan_of(spiked).amplitudes() ** 2, scan_of(frames).amplitudes() ** 2
    assert read[5, 4, 4] == pytest.approx(frames[:, 4, 4].mean(), rel=0.5)
    read[5, 4, 4] = clean[5, 4, 4]
    np.testing.assert_allclose(read, clean, rtol=1e-6)


def test_a_mask_for_every_frame_is_taken(scan_of: Any) -> None:
    """Pixels that the file masks in some frames are replaced there, those masked in all are bad."""
    frames = counts(4)
    marked = np.zeros(frames.shape, bool)
    marked[:, 2, 2] = True
    marked[np.arange(40), 5, np.arange(40) % N] = True
    scan = scan_of(np.where(marked, 0, frames), mask=marked)
    assert np.argwhere(~scan.mask).tolist() == [[2, 2]]
    read = scan.amplitudes() ** 2
    filled = read[np.arange(40), 5, np.arange(40) % N]
    assert filled.mean() == pytest.approx(4.0, rel=0.3)
    assert (filled > 0).all()


def test_the_search_can_be_switched_off(scan_of: Any) -> None:
    """With data.bad_pixels = "mask" only masks of file and settings count."""
    frames = counts(5)
    frames[:, 8, 8] = 65535
    assert scan_of(frames).mask is not None
    assert scan_of(frames, ScanOptions(bad_pixels="mask")).mask is None


def test_negatives_of_a_dark_frame_are_allowed(scan_of: Any) -> None:
    """Fractions below zero are counts with a dark frame taken off; their amplitude is zero."""
    frames = counts(6).astype(np.float32) - 0.7
    scan = scan_of(frames)
    assert scan.quantity == "counts"
    np.testing.assert_allclose(scan.amplitudes() ** 2, np.maximum(frames, 0), rtol=1e-5)


def test_normalised_counts_are_counts(scan_of: Any) -> None:
    """Counts divided by a number still come in steps, roots of counts come in roots of steps."""
    frames = counts(7)
    assert scan_of((frames / frames.max()).astype(np.float32)).quantity == "counts"
    assert scan_of((np.sqrt(frames) / 70).astype(np.float32)).quantity == "amplitude"
