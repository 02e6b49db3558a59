"""Door: Metadata inside scan files, by the public name; the code is in `ptycho.scan.metadata`."""

from ptycho.scan.metadata import MetadataManager, read_metadata

__all__ = ["MetadataManager", "read_metadata"]
