"""The processes that were started together for one training: by torchrun, srun or mpirun.

Each of them tells its children by variables who they are. A process that took no notice would train alone,
and leave a run of its own beside that of the others.
"""

import os
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from ptyconf.errors import error_text

_FIRST_PORT, _PORTS = 12_000, 20_000
_NOT_STARTED_BY_SRUN = ("bash", "interactive")
"""Names of Slurm's interactive jobs, whose shell has the variables of a task and starts programs itself."""

_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Starter:
    """A program that starts the processes of a training, by the variables that it sets.

    Attributes:
        name: Its name.
        rank: Number of the process among all.
        size: How many there are.
        local_rank: Number among those on its machine.
        local_size: How many there are on its machine; a variable for the machines stands in.
        machines: How many machines there are.
        job: Something that differs from job to job.
    """

    name: str
    rank: str
    size: tuple[str, ...]
    local_rank: str
    local_size: str = ""
    machines: str = ""
    job: str = ""


STARTERS = (
    Starter("torchrun", "RANK", ("WORLD_SIZE",), "LOCAL_RANK", "LOCAL_WORLD_SIZE"),
    Starter(
        "mpirun",
        "OMPI_COMM_WORLD_RANK",
        ("OMPI_COMM_WORLD_SIZE",),
        "OMPI_COMM_WORLD_LOCAL_RANK",
        "OMPI_COMM_WORLD_LOCAL_SIZE",
        job="PMIX_NAMESPACE",
    ),
    Starter("mpirun", "PMI_RANK", ("PMI_SIZE",), "MPI_LOCALRANKID", "MPI_LOCALNRANKS"),
    Starter(
        "Slurm",
        "SLURM_PROCID",
        ("SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"),
        "SLURM_LOCALID",
        machines="SLURM_NNODES",
        job="SLURM_JOB_ID",
    ),
)
"""Whose variables are looked at, the innermost first: torchrun and mpirun run within jobs of Slurm.

Source:
    The manuals of torchrun, Open MPI (mpirun), MPICH (Hydra) and Slurm (srun).
"""

RANK_VARIABLES = tuple(starter.rank for starter in STARTERS)


@dataclass(frozen=True)
class Launch:
    """The place of this process among those that share a training.

    Attributes:
        starter: What started them, "" for a process that stands alone.
        rank: Its number among all, from 0; the first one writes the results.
        size: How many there are.
        local_rank: Its number among those on its machine.
        local_size: How many there are on its machine.
        job: Something that differs from job to job, and is the same for all of them.
    """

    starter: str = ""
    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    job: str = ""

    @property
    def machines(self) -> int:
        """On how many machines they run."""
        return self.size // self.local_size

    @property
    def first(self) -> bool:
        """Whether this process writes the results."""
        return self.rank == 0

    def address(self, environment: Mapping[str, str] | None = None) -> str:
        """Name the machine of the first process.

        Raises:
            ValueError: There are several machines, and nothing names it.
        """
        environment = os.environ if environment is None else environment
        named = environment.get("MASTER_ADDR", "")
        if named or self.machines == 1:
            return named or "127.0.0.1"
        raise ValueError(
            error_text(
                f"{self.size} processes on {self.machines} machines share this training ({self.starter}), "
                "and nothing says where the first one is",
                expected="the variable MASTER_ADDR, its host name, in the environment of each",
                hint="export MASTER_ADDR=$(hostname) before the processes are started",
            )
        )

    def port(self, environment: Mapping[str, str] | None = None) -> int:
        """Choose the port at which the first process waits for the others, the same in all of them."""
        environment = os.environ if environment is None else environment
        named = environment.get("MASTER_PORT", "")
        if named.isdecimal():
            return int(named)
        # What all of them have in common, and another training on this machine has not.
        session = str(os.getsid(0)) if self.machines == 1 and hasattr(os, "getsid") else ""
        common = "\0".join((self.job or session, *sys.argv))
        return _FIRST_PORT + zlib.crc32(common.encode("utf-8", "surrogateescape")) % _PORTS

    def __str__(self) -> str:
        return f"process {self.rank + 1} of {self.size} that {self.starter} started"

    @property
    def on_this_machine(self) -> bool:
        """Whether all processes run here."""
        return self.machines == 1 or os.environ.get("MASTER_ADDR", "") in _LOCAL_HOSTS


def read_launch(environment: Mapping[str, str] | None = None) -> Launch:
    """Find out whether this process was started together with others.

    Args:
        environment: Its variables; None takes those of the process.

    Raises:
        ValueError: The variables are no numbers, or contradict each other.
    """
    environment = os.environ if environment is None else environment
    for starter in STARTERS:
        size = next((name for name in starter.size if environment.get(name)), None)
        if size is None or not environment.get(starter.rank):
            continue
        if starter.name == "Slurm" and environment.get("SLURM_JOB_NAME") in _NOT_STARTED_BY_SRUN:
            continue
        launch = _launch(starter, size, environment)
        if launch.size > 1:
            return launch
    return Launch()


def _launch(starter: Starter, size_name: str, environment: Mapping[str, str]) -> Launch:
    def number(name: str, otherwise: int) -> int:
        text = environment.get(name, "").strip()
        if not text:
            return otherwise
        if not text.isdecimal() or not text.isascii():
            raise _contradiction(f"{name} is {text[:40]!r}", "a whole number, as the program sets it")
        return int(text)

    size, rank = number(size_name, 1), number(starter.rank, 0)
    machines = number(starter.machines, 1) if starter.machines else 1
    local_size = number(starter.local_size, max(size // max(machines, 1), 1)) if size else 1
    local_rank = number(starter.local_rank, rank % max(local_size, 1))
    if rank >= size or local_size < 1 or size % local_size or local_rank >= local_size:
        given = f"rank {rank} of {size}, {local_rank} of {local_size} on its machine"
        raise _contradiction(f"{starter.name} started this process as {given}", "as many on every machine")
    return Launch(starter.name, rank, size, local_rank, local_size, environment.get(starter.job, ""))


def _contradiction(what: str, expected: str) -> ValueError:
    return ValueError(
        error_text(
            f"the environment does not say which part of a training this process is: {what}",
            expected=expected,
            hint=f"unset {' '.join(RANK_VARIABLES)}, for a training on this machine alone",
        )
    )
