"""Fixtures of the first floor: a generator, a small scan with truth, and a jail."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ptycho.raw_data import RawData


@pytest.fixture
def new_process(fresh_params: None) -> Iterator[None]:
    """Give a test the legacy dict of a new process and no network in hand, and leave the same behind."""
    from ptycho.clients import predictor

    predictor._Memory.predictor = None
    yield
    predictor._Memory.predictor = None


@pytest.fixture
def rng() -> np.random.Generator:
    """Give a generator that starts alike in every test."""
    return np.random.default_rng(20230822)


@pytest.fixture
def jail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lock a test into an empty folder with an empty environment."""
    for name in list(os.environ):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def _simulated() -> RawData:
    from ptycho.simulate.scan import Simulation, simulate

    return simulate(Simulation(N=64, n_frames=36, nphotons=1e6))


@pytest.fixture
def tiny_scan(_simulated: RawData) -> RawData:
    """Give a simulated scan of 36 frames of 64 x 64 pixels, with its truth."""
    return _simulated.subset(np.arange(36))


@pytest.fixture
def scan_arrays(rng: np.random.Generator) -> dict[str, Any]:
    """Give the arrays of a valid scan file of 12 frames of 16 x 16 pixels, without an object."""
    n, N = 12, 16
    middle = np.hypot(*np.meshgrid(*(np.arange(N) - N // 2,) * 2)) < 4
    return {
        "diff3d": rng.poisson(1.0 + 20.0 * middle, size=(n, N, N)).astype(np.uint16),
        "xcoords": np.arange(n, dtype=float) * 3.0,
        "ycoords": np.arange(n, dtype=float) % 4 * 5.0,
        "probeGuess": (middle + 0.5j * middle).astype(np.complex64),
    }
