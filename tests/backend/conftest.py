"""The laws that every backend keeps: one list, run once with `--backend pytorch`, once with `tensorflow`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ptycho import params

FRAMEWORKS = {"pytorch": {"torch", "lightning"}, "tensorflow": {"tensorflow", "keras"}}

for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(name, "1")


@pytest.fixture(autouse=True)
def fresh_params() -> Iterator[None]:
    """Give every test the legacy dict of a new process, and leave one behind."""
    _reset()
    yield
    _reset()


def _reset() -> None:
    params.unseal()
    params.cfg.clear()
    dict.update(params.cfg, params.DEFAULTS)


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest) -> str:
    """Name the backend of this run."""
    return str(request.config.getoption("--backend"))


@pytest.fixture(scope="session")
def other(backend: str) -> str:
    """Name the backend that this process must never import."""
    return next(name for name in FRAMEWORKS if name != backend)


@pytest.fixture(scope="session")
def foreign_packages(other: str) -> set[str]:
    """Name the packages that this process must never import."""
    return FRAMEWORKS[other]


@pytest.fixture(scope="session")
def build_network(backend: str) -> Callable[..., Any]:
    """Give the network class of the backend."""
    if backend == "pytorch":
        from ptycho_torch.nn.model import PtychoNetwork
    else:
        from ptycho.tf.model import PtychoNetwork
    return PtychoNetwork
