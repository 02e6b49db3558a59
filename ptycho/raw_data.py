"""Door: One scan, by the public name; the code is in `ptycho.scan.raw_data`."""

from ptycho.scan.raw_data import RawData

__all__ = ["RawData"]
