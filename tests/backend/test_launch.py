"""Processes that srun or torchrun started together are one training: one run, of the same weights in all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ptycho.training.launch import RANK_VARIABLES

pytestmark = pytest.mark.slow

PATIENCE_S = 240
TWO = 2


def of_slurm(rank: int) -> dict[str, str]:
    """Give the variables of a task of a job with two on one machine."""
    job = {
        "SLURM_NTASKS": "2",
        "SLURM_NNODES": "1",
        "SLURM_JOB_NAME": "job",
        "SLURM_JOB_ID": str(os.getpid()),
    }
    return {**job, "SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank)}


def of_mpirun(rank: int) -> dict[str, str]:
    """Give the variables of Open MPI for two processes on one machine."""
    facts = {"RANK": rank, "SIZE": 2, "LOCAL_RANK": rank, "LOCAL_SIZE": 2}
    return {f"OMPI_COMM_WORLD_{name}": str(fact) for name, fact in facts.items()}


def of_torchrun(rank: int) -> dict[str, str]:
    """Give the variables of the only process of one of two nodes."""
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(20_000 + os.getpid() % 10_000)}
    local = {"LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1"}
    return {**place, **local, "RANK": str(rank), "WORLD_SIZE": "2"}


@pytest.mark.parametrize("variables", [of_slurm, of_mpirun, of_torchrun])
def test_two_processes_make_one_run(job: Path, variables: Callable[[int], dict[str, str]]) -> None:
    """Two processes leave one run folder, the first one's, and nothing beside it."""
    shutil.rmtree(job / "run")
    alone = {name: value for name, value in os.environ.items() if name not in RANK_VARIABLES}
    words = [sys.executable, "-m", "ptycho", "train", "run.toml"]
    if variables is of_torchrun:
        words += ["--num_nodes", "2"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    processes = [subprocess.Popen(words, env={**alone, **variables(rank)}, **pipes) for rank in range(TWO)]  # type: ignore[call-overload]
    said = [process.communicate(timeout=PATIENCE_S)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert {path.name for path in job.glob("run*")} == {"run", "run.toml"}
    kept = [[line for line in text.splitlines() if "the weights are those of epoch" in line] for text in said]
    assert kept[0] == kept[1] != []
