"""Objects: blank where nothing was scanned, colours that odd pixels do not set."""

from __future__ import annotations

import numpy as np

from ptycho.report.figures.object import save_object


def test_unscanned_pixels_are_blank(tmp_path, scene, drawn):
    """Below a twentieth of the largest coverage a pixel is NaN, and empty borders are cropped."""
    coverage = np.zeros(scene.shape)
    coverage[10:30, 8:48] = 1.0
    coverage[15, 20] = 0.01
    save_object(tmp_path / "object.png", scene, coverage=coverage, origin_px=(100, 200))
    amplitude, phase = (panel.image.values for panel in drawn[0].panels)
    assert amplitude.shape == phase.shape == (20, 40)
    assert np.isnan(amplitude[5, 12])
    assert np.isnan(amplitude).sum() == np.isnan(phase).sum() == 1
    assert drawn[0].panels[0].image.edges == (107.5, 147.5, 229.5, 209.5)


def test_odd_pixels_do_not_set_the_colours(tmp_path, scene, drawn):
    """One hot pixel leaves the contrast of the others alone, and the colour bar shows an arrow."""
    scene[3, 3] = 1e6
    save_object(tmp_path / "object.png", scene)
    panel = drawn[0].panels[0]
    assert panel.image.limits[1] < 1.0
    assert panel.bar.above


def test_barely_scanned_pixels_do_not_set_the_colours(tmp_path, scene, drawn):
    """A rim of a tenth of the coverage is shown, but its wild values leave the colour limits alone."""
    coverage = np.ones(scene.shape)
    coverage[:8] = 0.1
    scene[:8] *= 40
    save_object(tmp_path / "object.png", scene, coverage=coverage)
    shown = drawn[0].panels[0].image
    assert np.nanmax(shown.values) > 30
    assert shown.limits[1] < 1.0
