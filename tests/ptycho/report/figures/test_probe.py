"""Probe modes and their energy."""

from __future__ import annotations

import numpy as np

from ptycho.report.figures.probe import save_probe


def test_probe_modes_tell_their_energy(tmp_path, scene, drawn):
    """Every mode has its share of the energy above it."""
    probe = np.stack([scene[:32, :32], 0.5 * scene[:32, :32]])
    save_probe(tmp_path / "probe.png", probe)
    assert [panel.title for panel in drawn[0].panels[:2]] == ["mode 1: 80.0 %", "mode 2: 20.0 %"]
