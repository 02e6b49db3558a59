"""Door: Trained networks on the disk, by the public name; the code is in `ptycho.clients.storage`."""

from ptycho.clients.storage import ModelManager, save

__all__ = ["ModelManager", "save"]
