"""Door: groups of frames as a network sees them; the code is in `ptycho.clients.container`."""

from ptycho.clients.container import PtychoDataContainer, load

__all__ = ["PtychoDataContainer", "load"]
