"""What is known of instances that were built: by identity, and gone with the instance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ptyconf.identity import IdentityTable

if TYPE_CHECKING:
    from ptyconf.merge.resolution import Resolution
    from ptyconf.schema.path import Segments
    from ptyconf.schema.view import View


@dataclass(frozen=True, slots=True)
class Built:
    """The resolution of an instance, its view, and its place where that has one of its own."""

    resolution: Resolution
    view: View[Any]
    at: Segments


BUILT: IdentityTable[Built] = IdentityTable()


def built_of(instance: object) -> Built | None:
    """Find what is known of an instance that was built."""
    return BUILT.get(instance)
