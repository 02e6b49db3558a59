"""Fixtures of the configuration tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def scan_file(tmp_path: Path) -> Path:
    """Write a scan of 8 frames of 64 x 64 pixels, with no metadata."""
    path = tmp_path / "scan.npz"
    np.savez(path, diff3d=np.ones((8, 64, 64), np.float32), probeGuess=np.ones((64, 64), np.complex64))
    return path
