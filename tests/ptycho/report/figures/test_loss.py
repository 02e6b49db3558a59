"""Losses: scales, and lines that are held out."""

from __future__ import annotations

import numpy as np

from ptycho.report.figures.loss import save_loss


def test_losses_that_span_a_decade_are_logarithmic(tmp_path, drawn):
    """Ten to one is drawn on a logarithmic axis; less, or a negative loss, on a linear one."""
    save_loss(tmp_path / "a.png", {"train": [10.0, 0.5]})
    save_loss(tmp_path / "b.png", {"train": [2.0, 1.0]})
    save_loss(tmp_path / "c.png", {"train": [10.0, -0.5]})
    save_loss(tmp_path / "d.png", {"train": []})
    assert [figure.panels[0].y.logarithmic for figure in drawn] == [True, False, False, False]


def test_held_out_losses_are_dashed(tmp_path, drawn):
    """Training is a line, validation is dashed, and epochs without a value are left out."""
    save_loss(tmp_path / "a.png", {"train_loss": [3.0, 2.0, 1.0], "val_loss": [3.0, np.nan, 2.0]})
    train, val = drawn[0].panels[0].lines
    assert (train.dashes, val.dashes) == ("-", "--")
    np.testing.assert_array_equal(val.x, [1, 3])
