"""Door: Patches become one picture, by the public name; the code is in `ptycho.clients.reassembly`."""

from ptycho.clients.reassembly import reassemble_position

__all__ = ["reassemble_position"]
