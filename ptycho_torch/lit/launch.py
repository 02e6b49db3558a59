"""Lightning's view of the processes that torchrun, srun or mpirun started for one training."""

import logging

from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment

from ptycho.training.launch import Launch

logger = logging.getLogger(__name__)


class StartedTogether(ClusterEnvironment):
    """Tell Lightning who this process is; its own classes know one program each.

    Args:
        launch: The place of this process.
    """

    def __init__(self, launch: Launch) -> None:
        super().__init__()
        self._launch = launch
        logger.info("%s meets the others at %s:%d", launch, self.main_address, self.main_port)

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
