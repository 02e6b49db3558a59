"""The processes that share one training, as the environment of each describes them."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ptycho.training.launch import Launch, read_launch
from ptyconf.errors import error_text

VARIABLE = "TF_CONFIG"
_KINDS = ("chief", "worker")


@dataclass(frozen=True)
class Cluster:
    """What `TF_CONFIG` says.

    Attributes:
        workers: Processes that train; 1 where it describes none.
        first: Whether this process is the one that writes results.
    """

    workers: int = 1
    first: bool = True


def read_cluster() -> Cluster:
    """Read the variable with which TensorFlow's workers find each other.

    Raises:
        ValueError: It describes no cluster.

    Source:
        TensorFlow's guide to distributed training: the cluster is {"chief": [...], "worker": [...]}, the task
        {"type": ..., "index": ...}; the chief, or else the first worker, saves what was learned.
    """
    written = os.environ.get(VARIABLE, "").strip()
    if not written:
        return Cluster()
    try:
        description = json.loads(written)
        members = {kind: list(description.get("cluster", {}).get(kind, ())) for kind in _KINDS}
        workers = sum(len(addresses) for addresses in members.values())
        return Cluster(max(1, workers), workers <= 1 or _leads(members, description["task"]))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise ValueError(
            error_text(
                f"the environment variable {VARIABLE} describes no cluster: {error!r}",
                details={"given": written},
                expected='{"cluster": {"worker": ["HOST:PORT", ...]}, '
                '"task": {"type": "worker", "index": 0}}',
                hint=f"unset {VARIABLE}, for a training on this machine alone",
            )
        ) from error


def describe_cluster(launch: Launch) -> str:
    """Write for processes that were started together what TensorFlow's workers want to know of each other.

    Raises:
        ValueError: They run on several machines, whose names are not known here.
    """
    if not launch.on_this_machine:
        raise ValueError(
            error_text(
                f"{launch.size} processes on {launch.machines} machines share this training "
                f"({launch.starter}), and TensorFlow has to be told their addresses",
                expected=f"{VARIABLE} in the environment of each, and execution.strategy",
                hint='execution.strategy = "ddp" and TensorFlow\'s guide to distributed training',
            )
        )
    # torchrun itself listens at MASTER_PORT.
    first = launch.port() + 1
    workers = [f"127.0.0.1:{first + number}" for number in range(launch.size)]
    return json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": launch.rank}})


def _leads(members: Mapping[str, list[Any]], task: Mapping[str, Any]) -> bool:
    first = "chief" if members["chief"] else "worker"
    return task["type"] == first and int(task["index"]) == 0


def require_machines(wanted: int | None) -> None:
    """Refuse a training that was started on other machines than its settings say.

    Args:
        wanted: `execution.num_nodes`; None for as many as there are.

    Raises:
        ValueError: Nothing started it on so many machines, or something on others.
    """
    if wanted is None:
        return
    launch, cluster = read_launch(), read_cluster()
    # A cluster of TensorFlow's says how many processes there are, and hardly ever has two on one machine.
    there = launch.machines if launch.size > 1 else cluster.workers
    if there != wanted:
        by = f"{launch.starter} started" if launch.size > 1 else "this training has"
        raise ValueError(
            error_text(
                f"execution.num_nodes is {wanted}, and {by} processes on {there} machine{'s' * (there > 1)}",
                expected="the machines on which the processes of the training were started",
                hint=f"srun --nodes {wanted} ptycho train ..., or on each machine torchrun --nnodes {wanted} "
                "--nproc-per-node 1 --rdzv-endpoint FIRST_HOST:29500 --no-python ptycho train ...",
            )
        )
