"""A side table by identity: what is known of an object, without touching it and gone when it goes."""

from __future__ import annotations

import weakref
from collections.abc import KeysView
from typing import Any, Generic, TypeVar

V = TypeVar("V")


class _Watched(weakref.ref[Any]):
    """A reference that knows the identity of what it refers to after that is gone."""

    __slots__ = ("identity",)

    identity: int


class IdentityTable(Generic[V]):
    """Values kept for objects by identity; an entry goes with its object, copies and pickles have none."""

    __slots__ = ("_entries", "_forget")

    def __init__(self) -> None:
        self._entries: dict[int, tuple[_Watched, V]] = {}
        entries = self._entries

        def forget(gone: _Watched) -> None:
            entry = entries.get(gone.identity)
            if entry is not None and entry[0] is gone:
                del entries[gone.identity]

        self._forget = forget

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
        watched = _Watched(thing, self._forget)
        watched.identity = key = id(thing)
        self._entries[key] = watched, value

    def get(self, thing: object) -> V | None:
        """Find the value of this very object, or None."""
        entry = self._entries.get(id(thing))
        return entry[1] if entry is not None and entry[0]() is thing else None


def can_be_referenced(kind: type) -> bool:
    """Tell whether instances of a class can be weakly referenced."""
    return bool(kind.__weakrefoffset__)
