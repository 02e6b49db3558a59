"""Processes that were started together know that they are, and agree about who is who."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.training.cluster import describe_cluster
from ptycho.training.launch import Launch, read_launch


def variables(starter: str, rank: int, machines: int, local_size: int) -> dict[str, str]:
    """Give the variables that a program sets for a process."""
    local_rank, size = rank % local_size, machines * local_size
    names: dict[str, tuple[str, ...]] = {
        "torchrun": ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"),
        "Open MPI": tuple(f"OMPI_COMM_WORLD_{name}" for name in ("RANK", "SIZE", "LOCAL_RANK", "LOCAL_SIZE")),
        "MPICH": ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"),
        "Slurm": ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_NNODES"),
    }
    last = machines if starter == "Slurm" else local_size
    return dict(zip(names[starter], map(str, (rank, size, local_rank, last)), strict=True))


@given(
    st.sampled_from(["torchrun", "Open MPI", "MPICH", "Slurm"]),
    st.integers(1, 5),
    st.integers(1, 4),
    st.data(),
)
def test_every_process_finds_its_place(
    starter: str, machines: int, local_size: int, data: st.DataObject
) -> None:
    """Whatever started them, all know how many they are, and exactly one is the first."""
    size = machines * local_size
    rank = data.draw(st.integers(0, size - 1))
    launch = read_launch(variables(starter, rank, machines, local_size))
    if size == 1:
        assert launch == Launch()
        return
    assert (launch.rank, launch.size, launch.machines) == (rank, size, machines)
    assert (launch.local_rank, launch.local_size) == (rank % local_size, local_size)
    assert launch.first is (rank == 0)
    ports = {read_launch(variables(starter, each, machines, local_size)).port({}) for each in range(size)}
    assert len(ports) == 1


def test_the_innermost_starter_counts() -> None:
    """Torchrun within a job of Slurm: the job has one task a machine, the training has more."""
    slurm = variables("Slurm", 1, 2, 1)
    assert read_launch(slurm | variables("torchrun", 5, 2, 4)).rank == 5
    alone = variables("torchrun", 0, 1, 1)
    assert read_launch(slurm | alone).starter == "Slurm"


@pytest.mark.parametrize("name", ["bash", "interactive"])
def test_a_shell_of_slurm_starts_programs_itself(name: str) -> None:
    """In an interactive job the shell has the variables of a task; what it starts stands alone."""
    assert read_launch(variables("Slurm", 0, 1, 2) | {"SLURM_JOB_NAME": name}) == Launch()


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"RANK": "two"}, "RANK is 'two'"),
        ({"WORLD_SIZE": "-1"}, "WORLD_SIZE is '-1'"),
        ({"RANK": "9"}, "torchrun started this process as rank 9 of 4, 1 of 2 on its machine"),
        ({"LOCAL_WORLD_SIZE": "3"}, "torchrun started this process as rank 1 of 4, 1 of 3 on its machine"),
        ({"LOCAL_WORLD_SIZE": "0"}, "torchrun started this process as rank 1 of 4, 1 of 0 on its machine"),
    ],
)
def test_contradictions_are_refused(changed: dict[str, str], what: str) -> None:
    """Before anything is computed, the variable or the numbers are named."""
    with pytest.raises(ValueError, match="does not say") as caught:
        read_launch(variables("torchrun", 1, 2, 2) | changed)
    assert str(caught.value).splitlines()[0] == (
        f"the environment does not say which part of a training this process is: {what}"
    )
    assert "  try       unset RANK OMPI_COMM_WORLD_RANK PMI_RANK SLURM_PROCID" in str(caught.value)


def test_the_first_machine_has_to_be_named() -> None:
    """On one machine it is this one; for several MASTER_ADDR says it, and its absence is an error."""
    far, near = Launch("mpirun", 1, 4, 0, 1), Launch("mpirun", 1, 2, 1, 2)
    assert near.address({}) == "127.0.0.1"
    assert far.address({"MASTER_ADDR": "node7"}) == "node7"
    with pytest.raises(ValueError, match="nothing says where the first one is"):
        far.address({})
    assert far.port({"MASTER_PORT": "1234"}) == 1234
    assert str(far) == "process 2 of 4 that mpirun started"
    ports = {Launch("Slurm", rank, 2, rank, 2, "4711").port({}) for rank in (0, 1)}
    assert len(ports) == 1
    assert 12_000 <= ports.pop() < 32_000


def test_workers_of_one_machine_find_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow is told of every worker; for those on other machines it has to be told by the user."""
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    monkeypatch.setenv("MASTER_PORT", "1000")
    assert json.loads(describe_cluster(Launch("Slurm", 1, 2, 1, 2))) == {
        "cluster": {"worker": ["127.0.0.1:1001", "127.0.0.1:1002"]},
        "task": {"type": "worker", "index": 1},
    }
    with pytest.raises(ValueError, match=r"4 processes on 2 machines .* TensorFlow has to be told"):
        describe_cluster(Launch("Slurm", 1, 4, 1, 2))
