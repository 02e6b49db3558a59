"""What the object in a scan file is: the truth of a simulation, or somebody's reconstruction."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ptycho.scan.raw_data import RawData


def is_simulated(scan: RawData) -> bool:
    """Tell whether a program that simulates says that it made the scan: its object is the truth then."""
    creation = (scan.metadata or {}).get("creation_info")
    script = str(creation.get("script", "")) if isinstance(creation, dict) else ""
    return "simulate" in script
