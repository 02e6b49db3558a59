"""Door: The probe that a client sets, by the public name; the code is in `ptycho.clients.probe`."""

from ptycho.clients.probe import accept, current, set_probe_guess

__all__ = ["accept", "current", "set_probe_guess"]
