"""A reconstruction on the scales of its reference."""

from __future__ import annotations

import numpy as np

from ptycho.report.figures.comparison import save_comparison


def test_comparison_uses_the_scale_of_the_truth(tmp_path, scene, drawn):
    """Reconstruction and truth share the truth's colours, so that a weak contrast looks weak."""
    weak = 0.8 + 0.1 * (np.abs(scene) - 0.8) + 0j
    save_comparison(tmp_path / "c.png", weak, scene)
    ours, truth = drawn[0].panels[:2]
    assert ours.image.limits == truth.image.limits
    assert truth.title == "amplitude, truth"
