"""Phases: around their mean, without a ramp, in colours that suit their range."""

from __future__ import annotations

import numpy as np

from ptycho.report.figures.object import save_object
from ptycho.report.figures.phase import flat_phase


def test_small_phases_are_symmetric_and_large_ones_cyclic(tmp_path, scene, drawn):
    """A phase that stays within the circle gets a symmetric range; one that fills it, cyclic colours."""
    save_object(tmp_path / "small.png", scene)
    y, x = np.mgrid[:40, :56]
    save_object(tmp_path / "large.png", np.exp(3.5j * np.sin(x / 6) * np.cos(y / 7)))
    small, large = (figure.panels[1].image for figure in drawn)
    assert small.limits[0] == -small.limits[1]
    assert small.limits[1] < 0.9 * np.pi
    assert small.colours == "RdBu_r"
    assert large.limits == (-np.pi, np.pi)
    assert large.colours == "twilight_shifted"


def test_ramps_and_mean_phases_are_taken_off(scene):
    """A tilt and a constant do not change the flat phase; the tilt stays when asked for."""
    y, x = np.indices(scene.shape)
    mask = np.ones(scene.shape, bool)
    tilted = scene * np.exp(1j * (2 + 0.1 * x - 0.05 * y))
    np.testing.assert_allclose(flat_phase(tilted, mask), flat_phase(scene, mask), atol=1e-9)
    assert np.ptp(flat_phase(tilted, mask, ramp=False)) > 4
