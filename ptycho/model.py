"""Door: what the network in hand is trained with; the code is in `ptycho.clients.model`."""

from ptycho.clients.model import params

__all__ = ["params"]
