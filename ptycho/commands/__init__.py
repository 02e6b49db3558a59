"""The sub-commands of ``ptycho``, one module each."""
