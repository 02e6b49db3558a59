"""What all pictures share: units, limits, lengths in words."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho.report.figures.figure import Extent, limits_of, metres, symmetric_limit
from ptycho.report.figures.object import save_object


def test_limits_have_room_for_constants():
    """A constant, an empty and an all-NaN picture have colour limits that differ."""
    for values in (np.ones(4), np.zeros(4), np.full(4, np.nan)):
        low, high = limits_of(values)
        assert low < high
    assert symmetric_limit(np.full(3, np.nan)) == 1.0
    assert symmetric_limit(np.zeros(3)) > 0


def test_lengths_are_written_in_their_unit():
    """Metres become nm, µm or mm."""
    assert [metres(value) for value in (16.54e-9, 2e-6, 0.0031, 2.0, 5e-11)] == [
        "16.5 nm",
        "2 µm",
        "3.1 mm",
        "2 m",
        "0.05 nm",
    ]


def test_units_follow_the_pixel_size(tmp_path, scene, drawn):
    """Axes say px without a pixel size, and nm, µm or m with one."""
    save_object(tmp_path / "px.png", scene)
    save_object(tmp_path / "m.png", scene, pixel_size_m=1e-7)
    assert drawn[0].panels[0].x.label == "x (px)"
    assert drawn[1].panels[0].x.label == "x (µm)"
    assert drawn[1].panels[0].image.edges[1] == pytest.approx(5.55)
    assert Extent(pixel_size_m=1e-9).unit(50) == (1.0, "nm")
    assert Extent(pixel_size_m=1e-3).unit(5000) == (1e-3, "m")
