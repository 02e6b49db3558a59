"""What is known of instances that were built: by identity, and gone with the instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ptyconf.identity import IdentityTable

if TYPE_CHECKING:
    from ptyconf.merge.resolution import Resolution
    from ptyconf.schema.path import Segments
    from ptyconf.schema.view import View


class Built(NamedTuple):
    """The resolution of an instance, its view, and its place where that has one of its own."""

    resolution: Resolution
    view: View[Any]
    at: Segments


BUILT: IdentityTable[tuple[Resolution, View[Any], Segments]] = IdentityTable()
"""What ``Built`` says, as bare tuples: one is made for every instance."""


def built_of(instance: object) -> Built | None:
    """Find what is known of an instance that was built."""
    known = BUILT.get(instance)
    return None if known is None else Built(*known)
