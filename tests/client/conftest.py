"""The client's environment, built once, and a way to drive it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

_HERE = Path(__file__).parent
_DRIVING_S = 420

Seen = dict[str, Any]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the client out of every run that does not ask for it: it installs packages."""
    if "client" in config.getoption("markexpr"):
        return
    mine = [item for item in items if item.get_closest_marker("client")]
    if mine:
        config.hook.pytest_deselected(items=mine)
        items[:] = [item for item in items if item not in mine]


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"client_{name}", _HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def client_python(pytestconfig: pytest.Config) -> Path:
    """The interpreter of an environment with ptychodus beside our packages; pytest's cache keeps it."""
    python: Path = _load("environment").build(Path(pytestconfig.cache.mkdir("client")))
    return python


@pytest.fixture(scope="session")
def drive(client_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Seen]:
    """Do a job of `drive.py` once, and hand back what was seen, with the folder of the job."""
    done: dict[str, Seen] = {}

    def run(job: str) -> Seen:
        if job not in done:
            folder = tmp_path_factory.mktemp(job)
            done[job] = _drive(client_python, job, folder) | {"folder": folder}
        return done[job]

    return run


def _drive(python: Path, job: str, folder: Path) -> Seen:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PTYCHO__")}
    environment |= {
        "CUDA_VISIBLE_DEVICES": "",
        "HOME": str(folder),
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
    }
    log = folder / "log.txt"
    with log.open("w") as stream:
        finished = subprocess.run(
            [str(python), str(_HERE / "drive.py"), job, str(folder)],
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=folder,
            timeout=_DRIVING_S,
            check=False,
        )
    told = log.read_text()
    assert finished.returncode == 0, told[-6000:]
    seen: Seen = json.loads((folder / "seen.json").read_text())
    return seen | {"log": told}
