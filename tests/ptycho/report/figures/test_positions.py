"""Positions in groups."""

from __future__ import annotations

from ptycho.report.figures.positions import save_positions


def test_positions_in_groups_are_counted(tmp_path, rng, drawn):
    """Each group has its colour and its number in the legend; rows grow downwards."""
    positions = rng.uniform(0, 50, (20, 2))
    upper = positions[:, 1] < 25
    save_positions(tmp_path / "p.png", positions, groups={"training": upper, "test": ~upper})
    axes = drawn[0].axes[0]
    assert axes.get_legend_handles_labels()[1] == [f"training ({upper.sum()})", f"test ({(~upper).sum()})"]
    assert axes.yaxis_inverted()
