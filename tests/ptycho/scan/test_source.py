"""Where a scan comes from."""

from __future__ import annotations

from pathlib import Path

from ptycho.scan.source import source_name


def test_a_source_is_its_file_or_memory() -> None:
    """Data is said to come from its file, or from memory."""
    assert source_name(Path("a.npz")) == "a.npz"
    assert source_name(None) == "arrays in memory"
