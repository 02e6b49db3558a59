"""Fixtures of the torch side: a new process's legacy dict, a scan file, a model folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ptycho.config.config import PyTorchExecutionConfig


@pytest.fixture(autouse=True)
def _fresh(fresh_params: None) -> None:
    """Every test here works with the legacy dict."""


@pytest.fixture
def scan_file(tmp_path: Path) -> Path:
    """Write a scan of 8 frames of 64 x 64 pixels, with no metadata."""
    path = tmp_path / "scan.npz"
    np.savez(
        path,
        diff3d=np.ones((8, 64, 64), np.float32),
        xcoords=np.arange(8.0),
        ycoords=np.arange(8.0),
        probeGuess=np.ones((64, 64), np.complex64),
    )
    return path


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    """Make a folder with an archive that nobody opens."""
    folder = tmp_path / "trained"
    folder.mkdir()
    (folder / "wts.h5.zip").touch()
    return folder


@pytest.fixture
def on_cpu() -> PyTorchExecutionConfig:
    """Make an execution configuration whose caller named the CPU and nothing else."""
    return PyTorchExecutionConfig(accelerator="cpu")
