"""The folder that a training writes into, which somebody may rename or remove while that goes on."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ptycho.run.folder import require_own
from ptycho.run.identity import is_going_on
from ptycho.run.record import write_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ptycho.run.identity import Identity
    from ptycho.training.journal import Journal, Row
    from ptyconf import Resolution

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingFolder:
    """The folder that a training writes into: whoever renames or removes it meanwhile loses nothing by that.

    Attributes:
        folder: It.
        identity: Who makes the run.
        resolution: Its settings.
        home: Where the folder will stand in the end.
    """

    folder: Path
    identity: Identity
    resolution: Resolution
    home: Path

    def __str__(self) -> str:
        return str(self.folder)

    def settle(self) -> None:
        """Write the settings of the training.

        Raises:
            OSError: The folder cannot be written.
        """
        write_settings(self.folder, self.resolution, home=self.home)

    def require(self) -> None:
        """Make the folder anew where it is gone; what the training goes on with is in memory.

        Raises:
            OSError: The folder cannot be made or written, or another run that goes on has taken its name.
        """
        if is_going_on(self.folder):
            require_own(self.folder, self.identity)
        if self.identity.is_in(self.folder):
            return
        _log.warning("%s was renamed or removed while the training goes on: it is made anew", self.folder)
        self.folder.mkdir(exist_ok=True)
        self.identity.write(self.folder)
        self.settle()

    def watch(self, _folder: Path, _rows: Sequence[Row]) -> Journal:
        """Look after every epoch, before its checkpoint is written."""
        return self

    def log(self, _row: Row, _step: int) -> None:
        """See that the folder is there."""
        self.require()

    def close(self) -> None:
        """Nothing is open."""
