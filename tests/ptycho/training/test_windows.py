"""Windows of a scan: compact, of the frames that are not held out, all frames alike."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ptycho.training.split import Sampling
from ptycho.training.windows import FEWEST_LEFT, VISITS, WINDOW_FRAMES, split_windows


def raster(count: int) -> np.ndarray:
    """Give the positions [x, y] of a square raster."""
    columns = int(np.ceil(np.sqrt(count)))
    index = np.arange(count)
    return np.stack([index % columns, index // columns], axis=1) * 5.0


@given(
    st.integers(1, 200), st.floats(0.0, 0.9), st.integers(0, 5), st.booleans(), st.none() | st.integers(1, 30)
)
def test_no_frame_both_trains_and_judges(
    count: int, share: float, seed: int, sequential: bool, subsample: int | None
) -> None:
    """Windows hold distinct frames, some are left to learn from, and none of those judges."""
    wanted = Sampling(
        validation_fraction=share, seed=seed, sequential=sequential, clamped=True, n_subsample=subsample
    )
    windows = split_windows(raster(count), wanted)
    used = min(count, subsample or count)
    for group in (*windows.train, *windows.validation):
        assert len(np.unique(group)) == len(group) <= WINDOW_FRAMES
        assert 0 <= group.min() <= group.max() < count
    assert not np.intersect1d(windows.train, windows.validation).size
    assert len(np.unique(windows.validation)) == windows.validation.size <= max(0, used - FEWEST_LEFT)
    assert len(windows.train)


def test_every_frame_is_visited_alike() -> None:
    """An epoch looks at each frame twice on average, and no frame is in the middle of two windows."""
    windows = split_windows(raster(400), Sampling(validation_fraction=0, clamped=True))
    assert windows.train.shape == (int(np.ceil(VISITS * 400 / WINDOW_FRAMES)), WINDOW_FRAMES)
    assert len(np.unique(windows.train[:, 0])) == len(windows.train)
    assert len(np.unique(windows.train)) > 200


def test_the_number_of_windows_can_be_asked_for() -> None:
    """More windows than frames, too: each frame is a middle once before any is again."""
    windows = split_windows(raster(60), Sampling(validation_fraction=0, n_groups=100, clamped=False))
    assert len(windows.train) == 100
    assert set(windows.train[:60, 0].tolist()) == set(range(60))


def test_a_window_is_compact() -> None:
    """Its frames are the nearest of its seed."""
    positions = raster(400)
    windows = split_windows(positions, Sampling(validation_fraction=0.1, clamped=True))
    for group in (*windows.train, *windows.validation):
        reach = np.linalg.norm(positions[group] - positions[group[0]], axis=1).max()
        assert reach < 5.0 * np.sqrt(WINDOW_FRAMES) * 1.5
