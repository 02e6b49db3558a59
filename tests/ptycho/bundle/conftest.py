"""A small bundle."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho.bundle.archive import Bundle


@pytest.fixture
def trained() -> Bundle:
    """A small bundle with every kind of array that a network holds."""
    rng = np.random.default_rng(0)
    return Bundle(
        backend="pytorch",
        network={"N": 64, "gridsize": 2},
        normalisation={"intensity_scale": 988.2118},
        probe=(rng.normal(size=(2, 8, 8)) + 1j * rng.normal(size=(2, 8, 8))).astype(np.complex64),
        weights={"encoder.0.kernel": rng.normal(size=(3, 3)).astype(np.float32), "scale": np.array(2.0)},
        settings_toml='[model]\nN = 64  # "µ"\n',
        provenance={"version": 1, "settings": []},
        created="2026-11-24T08:00:00+00:00",
        versions={"ptychopinn": "0.1.0"},
    )
