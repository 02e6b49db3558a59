"""Every frame is visited once in a sweep."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ptycho.reconstruction.iteration import frame_order


@given(count=st.integers(0, 50), batch_size=st.integers(1, 20), seed=st.integers(0, 9))
def test_every_frame_is_visited_once(count, batch_size, seed):
    """Steps are full but for the last, and the seed decides the order."""
    steps, again = (list(frame_order(count, batch_size, np.random.default_rng(seed))) for _ in range(2))
    assert sorted(int(i) for step in steps for i in step) == list(range(count))
    assert all(len(step) == batch_size for step in steps[:-1])
    assert all(np.array_equal(a, b) for a, b in zip(steps, again, strict=True))
