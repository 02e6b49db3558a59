"""Positions in groups."""

from __future__ import annotations

from ptycho.report.figures.positions import save_positions


def test_positions_in_groups_are_counted(tmp_path, rng, drawn):
    """Each group has its colour and its number in the legend; rows grow downwards."""
    positions = rng.uniform(0, 50, (20, 2))
    upper = positions[:, 1] < 25
    save_positions(tmp_path / "p.png", positions, groups={"training": upper, "test": ~upper})
    panel = drawn[0].panels[0]
    names = [name for name, *_ in panel.names()]
    assert names == [f"training ({upper.sum()})", f"test ({(~upper).sum()})"]
    assert panel.y.reversed
