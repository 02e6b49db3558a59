"""A side table by identity: what is known of an object, without touching it and gone when it goes."""

from __future__ import annotations

import weakref
from collections.abc import KeysView
from typing import Generic, TypeVar

V = TypeVar("V")


class IdentityTable(Generic[V]):
    """Values kept for objects by identity; an entry goes with its object, copies and pickles have none."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: dict[int, tuple[weakref.ref[object], V]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def identities(self) -> KeysView[int]:
        """The identities of the objects with an entry, as they are then."""
        return self._entries.keys()

    def put(self, thing: object, value: V) -> None:
        """Keep a value for an object.

        Raises:
            TypeError: The object cannot be weakly referenced.
        """
        entries, key = self._entries, id(thing)

        def forget(gone: weakref.ref[object]) -> None:
            entry = entries.get(key)
            if entry is not None and entry[0] is gone:
                del entries[key]

        entries[key] = (weakref.ref(thing, forget), value)

    def get(self, thing: object) -> V | None:
        """Find the value of this very object, or None."""
        entry = self._entries.get(id(thing))
        return entry[1] if entry is not None and entry[0]() is thing else None


def can_be_referenced(kind: type) -> bool:
    """Tell whether instances of a class can be weakly referenced."""
    return bool(kind.__weakrefoffset__)
