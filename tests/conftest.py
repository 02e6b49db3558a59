"""Fixtures that every test folder shares."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Timing on shared machines is noisy: a deadline would fail tests for the machine's sake.
settings.register_profile("default", deadline=None, max_examples=60)
settings.register_profile(
    "thorough", deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

_REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Choose which backend the shared tests of `tests/backend` run with."""
    parser.addoption("--backend", choices=("pytorch", "tensorflow"), default="pytorch")


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Find a real data file by name, or skip the test and say where it was looked for."""
    folder = Path(os.environ.get("PTYCHO_SHARED_DATA", _REPOSITORY.parent / "shared" / "data"))

    def find(name: str) -> Path:
        path = folder / name
        if not path.is_file():
            pytest.skip(f"real data file {path} is not here; set PTYCHO_SHARED_DATA to its folder")
        return path

    return find
