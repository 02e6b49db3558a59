"""Measured beside predicted: one logarithmic scale."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho.report.figures.diffraction import save_diffraction


def test_diffraction_shares_one_logarithmic_scale(tmp_path, rng, drawn):
    """Measured and predicted have the same colours, log10(counts + 1); bad pixels are blank."""
    measured = np.full((1, 16, 16), 3.0)
    mask = np.ones((16, 16), bool)
    mask[0, 0] = False
    save_diffraction(tmp_path / "d.png", measured, 2 * measured, frame_indices=[7], mask=mask)
    left, middle, right = (panel.image for panel in drawn[0].panels)
    assert left.limits == middle.limits
    assert left.values[1, 1] == pytest.approx(1.0)
    assert np.isnan(left.values[0, 0])
    assert right.values[1, 1] == pytest.approx(3.0)
    assert drawn[0].panels[0].title == "frame 7: measured"


def test_small_integers_do_not_overflow_in_pictures(tmp_path, drawn):
    """Amplitudes of uint16 are squared in floating point."""
    save_diffraction(tmp_path / "d.png", np.full((1, 8, 8), 1000, np.uint16), np.full((1, 8, 8), 1000.0))
    assert drawn[0].panels[0].image.values[0, 0] == pytest.approx(6.0, abs=1e-5)
