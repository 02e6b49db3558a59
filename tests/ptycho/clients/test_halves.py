"""Two halves of a scan: each frame belongs to one, and both cover the sample alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.clients.halves import FEWEST_FRAMES, MOST_FRAMES, are_wanted, frames_of_halves
from ptycho.reconstruction.unseen_frames import neighbourhood
from ptycho.scan.raw_data import RawData
from ptycho.settings.data import ScanOptions


def scan_of(count: int, seed: int) -> RawData:
    """Give a scan of some frames, whatever they show, at random places."""
    x, y = np.random.default_rng(seed).uniform(20, 90, (2, count))
    options = ScanOptions(quantity="counts", centre="middle", position_origin="centre")
    return RawData(x, y, None, None, np.ones((count, 16, 16), np.uint16), None, None, options=options)


@given(count=st.integers(2, 600), seed=st.integers(0, 99))
def test_every_frame_belongs_to_one_half(count: int, seed: int) -> None:
    """The halves share no frame and leave none out, and those that are compared are shared out evenly."""
    scan = scan_of(count, seed)
    first, second = frames_of_halves(scan)
    assert sorted([*first, *second]) == list(range(count))
    compared = neighbourhood(scan.positions, MOST_FRAMES)
    shares = [np.isin(half, compared).sum() for half in (first, second)]
    assert shares[0] - shares[1] in (0, 1)
    assert np.all(np.diff(first) > 0)
    assert np.all(np.diff(second) > 0)


@pytest.mark.parametrize(
    ("asked", "known", "wanted"),
    [("auto", False, True), ("auto", True, False), ("always", True, True), ("never", False, False)],
)
def test_halves_are_made_where_they_tell_something(asked: str, known: bool, wanted: bool) -> None:
    """A known truth tells the resolution by itself; a wish settles it either way."""
    scan = scan_of(30, 1)
    if known:
        scan.metadata = {"creation_info": {"script": "ptycho simulate"}}
    assert are_wanted(scan, asked) is wanted
    assert not are_wanted(scan.subset(np.arange(FEWEST_FRAMES - 1)), asked)
