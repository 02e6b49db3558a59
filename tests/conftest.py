"""Fixtures that every test folder shares."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Timing on shared machines is noisy: a deadline would fail tests for the machine's sake.
settings.register_profile("default", deadline=None, max_examples=60)
settings.register_profile(
    "thorough", deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

_HERE = Path(__file__).resolve().parent
_REPOSITORY = _HERE.parent

_OTHER_FRAMEWORK = {"pytorch": {"tf"}, "tensorflow": {"torch", "examples"}}
"""Folders whose tests import the framework that a run with that backend must not hold."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Choose which backend the shared tests of `tests/backend` run with."""
    parser.addoption("--backend", choices=("pytorch", "tensorflow"), default="pytorch")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the other framework's tests out of a run, unless it asks for them by their place."""
    if collection_path.parent != _HERE or not collection_path.is_dir():
        return None
    asked = [(config.invocation_params.dir / argument.split("::")[0]).resolve() for argument in config.args]
    named = any(path.is_relative_to(collection_path) for path in asked)
    foreign = collection_path.name in _OTHER_FRAMEWORK[config.getoption("--backend")]
    return True if foreign and not named else None


@pytest.fixture
def fresh_params() -> Iterator[None]:
    """Give a test the legacy dict of a new process, and leave one behind."""
    from ptycho import params
    from ptycho.settings import legacy_dict

    def reset() -> None:
        params.unseal()
        params.cfg.clear()
        dict.update(params.cfg, legacy_dict.DEFAULTS)

    reset()
    yield
    reset()


@pytest.fixture
def listening() -> Iterator[None]:
    """A process that hears Ctrl-C; one that runs in the background of a shell is told to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


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


@pytest.fixture
def laboratory(tmp_path: Path) -> Callable[..., str]:
    """Install a distribution with an entry for each registry; give a way to call `ptycho` with it.

    Each call is a process of its own: what is installed is found once in the life of a process.
    """
    plugin, site = _HERE / "data" / "plugin", tmp_path / "site"
    installed = site / "laboratory-1.0.dist-info"
    installed.mkdir(parents=True)
    shutil.copy(plugin / "laboratory.py", site)
    shutil.copy(plugin / "entry_points.txt", installed)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: laboratory\nVersion: 1.0\n")
    environment = os.environ | {"PYTHONPATH": str(site)}

    def call(*words: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "ptycho", *words]
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    return call
