"""A small object, and the figures that are written figures for a look."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho.report.figures import figure as figure_module


@pytest.fixture
def scene(rng):
    """Give a small complex object."""
    y, x = np.mgrid[:40, :56]
    return (0.8 + 0.1 * np.cos(x / 4)) * np.exp(0.4j * np.sin(y / 5))


@pytest.fixture
def drawn(monkeypatch):
    """Keep the figure that is written, so that a test can look at its panels."""
    figures = []
    write = figure_module.write

    def keep(figure, path):
        figures.append(figure)
        write(figure, path)

    for name in ("object", "probe", "diffraction", "comparison", "loss", "positions", "ring_correlation"):
        monkeypatch.setattr(f"ptycho.report.figures.{name}.write", keep)
    return figures
