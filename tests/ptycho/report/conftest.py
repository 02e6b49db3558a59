"""A small object, and the figures that are written kept for a look."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho.report import figure as figure_module


@pytest.fixture
def scene(rng):
    """Give a small complex object."""
    y, x = np.mgrid[:40, :56]
    return (0.8 + 0.1 * np.cos(x / 4)) * np.exp(0.4j * np.sin(y / 5))


@pytest.fixture
def drawn(monkeypatch):
    """Keep the figure that is written, so that a test can look at its axes."""
    kept = []
    write = figure_module.write

    def keep(figure, path):
        kept.append(figure)
        write(figure, path)

    for module in ("ptycho.report.pictures", "ptycho.report.curves"):
        monkeypatch.setattr(f"{module}.write", keep)
    return kept
