"""The door of the file source under its best known format; ``ptyconf.sources.file`` is the same."""

from ptyconf.sources.file import load, load_all, parse, read

__all__ = ["load", "load_all", "parse", "read"]
