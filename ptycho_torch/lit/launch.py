"""Lightning's view of the processes that torchrun, srun or mpirun started for one training."""

import logging
import os
import threading
from datetime import timedelta

import torch
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment

from ptycho.run.stages import stage
from ptycho.training.launch import Launch
from ptyconf.errors import error_text

logger = logging.getLogger(__name__)

PATIENCE = timedelta(minutes=30)
"""How long a process waits for the others: a queue may start some of them much later."""

_LOOK_S = 0.2


class StartedTogether(ClusterEnvironment):
    """Tell Lightning who this process is; its own classes know one program each.

    Args:
        launch: The place of this process.
    """

    def __init__(self, launch: Launch) -> None:
        super().__init__()
        self._launch = launch
        place = f"{self.main_address}:{self.main_port}"
        minutes = int(PATIENCE.total_seconds() // 60)
        logger.info("%s meets the others at %s, and waits %d minutes at most", launch, place, minutes)

    def meet(self, device: torch.device) -> None:
        """Wait for the others; Ctrl-C and the signals of batch systems end the waiting.

        torch waits outside of Python, where no signal is heard: another thread does it. Lightning takes the
        connection as it finds it.

        Args:
            device: That on which this process computes.

        Raises:
            ValueError: Not all of them came.
        """
        problems: list[Exception] = []
        # torch looks for them there, as it does when Lightning connects.
        os.environ |= {"MASTER_ADDR": self.main_address, "MASTER_PORT": str(self.main_port)}

        def wait() -> None:
            try:
                torch.distributed.init_process_group(
                    torch.distributed.get_default_backend_for_device(device),
                    rank=self._launch.rank,
                    world_size=self._launch.size,
                    timeout=PATIENCE,
                    device_id=None if device.type == "cpu" else device,
                )
            except Exception as error:  # noqa: BLE001  Raised where it can be heard.
                problems.append(error)

        waiting = threading.Thread(target=wait, name="waiting for the others", daemon=True)
        with stage("waiting for the other processes of this training"):
            waiting.start()
            while waiting.is_alive():
                waiting.join(_LOOK_S)
        if problems:
            reason = str(problems[0]).strip().partition("\n")[0]
            raise ValueError(
                error_text(
                    f"{self._launch} did not meet the others: {reason}",
                    expected=f"{self._launch.size} processes that reach {self.main_address}:{self.main_port}",
                    hint="a look at what the others say, or another MASTER_PORT",
                )
            ) from problems[0]

    @property
    def creates_processes_externally(self) -> bool:
        """Start no others."""
        return True

    @property
    def main_address(self) -> str:
        """The machine of the first process."""
        return self._launch.address()

    @property
    def main_port(self) -> int:
        """Where it waits for the others."""
        return self._launch.port()

    @staticmethod
    def detect() -> bool:
        """Never chosen by Lightning itself."""
        return False

    def world_size(self) -> int:
        """Count the processes."""
        return self._launch.size

    def set_world_size(self, size: int) -> None:
        """Keep the number: it is not Lightning's to choose."""

    def global_rank(self) -> int:
        """Number this process among all."""
        return self._launch.rank

    def set_global_rank(self, rank: int) -> None:
        """Keep the number."""

    def local_rank(self) -> int:
        """Number this process among those on its machine."""
        return self._launch.local_rank

    def node_rank(self) -> int:
        """Number its machine."""
        return self._launch.rank // self._launch.local_size


def partner_lost(error: BaseException, size: int) -> ConnectionError | None:
    """Tell what an error means where another process of this training has ended; None for any other error.

    Args:
        error: What torch raised.
        size: How many processes share the training.
    """
    first = str(error).strip().partition("\n")[0]
    # gloo raises errors of no class of its own, after the place in its source and before good wishes.
    if not isinstance(error, torch.distributed.DistError) and "gloo" not in first:
        return None
    reason = first.partition("] ")[2].partition(". ")[0] if first.startswith("[") else first
    return ConnectionError(
        error_text(
            f"another process of this training has ended: {reason}",
            expected=f"all {size} processes until the last epoch",
            hint="a look at what the others say, then --resume, which goes on from the last whole epoch",
        )
    )
