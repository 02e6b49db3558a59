"""Colour maps: ends, middles, and what is no number."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho.files.colours import colour_map, colours_of


@pytest.mark.parametrize("name", ["gray", "viridis", "magma", "inferno", "twilight_shifted", "RdBu_r"])
def test_colours_are_those_of_matplotlib(name):
    """Each map differs from the known one of its name by a few of 256 steps at most."""
    from matplotlib import colormaps

    known = 255 * colormaps[name](np.arange(256))[:, :3]
    assert np.abs(colour_map(name) - known).max() < 4


def test_values_beyond_the_ends_take_their_colour():
    """What lies outside of the limits is coloured as the end; NaN is transparent, and so is infinity."""
    drawn = colours_of(np.array([[-5.0, 0.0, 1.0, 9.0, np.nan, np.inf]]), (0.0, 1.0), "gray")[0]
    assert drawn[0].tolist() == drawn[1].tolist() == [0, 0, 0, 255]
    assert drawn[2].tolist() == drawn[3].tolist() == [255, 255, 255, 255]
    assert drawn[4, 3] == drawn[5, 3] == 0
