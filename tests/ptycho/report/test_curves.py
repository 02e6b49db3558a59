"""Losses, positions and ring correlations: scales, groups, words."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ptycho.metrics.frc import frc
from ptycho.report import pictures
from ptycho.report.curves import _reach
from ptycho.report.figure import metres


def test_losses_that_span_a_decade_are_logarithmic(tmp_path, drawn):
    """Ten to one is drawn on a logarithmic axis; less, or a negative loss, on a linear one."""
    pictures.save_loss(tmp_path / "a.png", {"train": [10.0, 0.5]})
    pictures.save_loss(tmp_path / "b.png", {"train": [2.0, 1.0]})
    pictures.save_loss(tmp_path / "c.png", {"train": [10.0, -0.5]})
    pictures.save_loss(tmp_path / "d.png", {"train": []})
    assert [figure.axes[0].get_yscale() for figure in drawn] == ["log", "linear", "linear", "linear"]


def test_held_out_losses_are_dashed(tmp_path, drawn):
    """Training is a line, validation is dashed, and epochs without a value are left out."""
    pictures.save_loss(tmp_path / "a.png", {"train_loss": [3.0, 2.0, 1.0], "val_loss": [3.0, np.nan, 2.0]})
    train, val = drawn[0].axes[0].get_lines()
    assert (train.get_linestyle(), val.get_linestyle()) == ("-", "--")
    np.testing.assert_array_equal(val.get_xdata(), [1, 3])


def test_positions_in_groups_are_counted(tmp_path, rng, drawn):
    """Each group has its colour and its number in the legend; rows grow downwards."""
    positions = rng.uniform(0, 50, (20, 2))
    upper = positions[:, 1] < 25
    pictures.save_positions(tmp_path / "p.png", positions, groups={"training": upper, "test": ~upper})
    axes = drawn[0].axes[0]
    assert axes.get_legend_handles_labels()[1] == [f"training ({upper.sum()})", f"test ({(~upper).sum()})"]
    assert axes.yaxis_inverted()


def test_resolution_is_written_in_words(rng):
    """The legend of a ring correlation says where it ends, in px or in metres."""
    picture = rng.standard_normal((32, 32))
    assert _reach(frc(picture, picture)) == "above the threshold to the last ring"
    assert _reach(frc(picture, -picture)) == "below the threshold from the first ring"
    smooth = ndimage.gaussian_filter(rng.standard_normal((64, 64)), 2)
    noisy = frc(smooth, smooth + 0.05 * rng.standard_normal((64, 64)), against="truth", pixel_size_m=5e-9)
    assert 0.1 < noisy.crossing < 0.4
    assert _reach(noisy) == f"{noisy.crossing:.3f} cycles/px, half period {metres(noisy.resolution_m)}"
