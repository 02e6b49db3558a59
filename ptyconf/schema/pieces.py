"""What one layer of texts writes of one place twice: as a whole, and in pieces below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ptyconf.schema.path import Segments

Keys = tuple[Any, ...]


class Pieces:
    """Two writings of one place, each with the keys under which it stands.

    A writing is a text, a table of what is written below the place, a list of elements, or again two.
    """

    __slots__ = ("first", "first_keys", "second", "second_keys")

    def __init__(self, first: Any, second: Any, first_keys: Keys, second_keys: Keys) -> None:
        self.first, self.second = first, second
        self.first_keys, self.second_keys = first_keys, second_keys

    def with_writings(self, first: Any, second: Any) -> Pieces:
        """Give the same two writings, seen in another way."""
        return Pieces(first, second, self.first_keys, self.second_keys)


def put_piece(
    table: dict[Any, Any], segments: Segments, value: Any, keys: Keys, known: dict[Segments, Keys]
) -> None:
    """Put a value into nested tables at its place; what stands there already is kept beside it.

    Args:
        table: The tables so far.
        segments: The place.
        value: What is written there.
        keys: The keys under which it is written.
        known: The keys of what the tables hold, by place; this one is added.
    """
    for length, segment in enumerate(segments[:-1], 1):
        inner = table.setdefault(segment, {})
        if isinstance(inner, Pieces) and isinstance(inner.second, dict):
            inner = inner.second
        elif not isinstance(inner, dict):
            inner = {}
            table[segment] = Pieces(table[segment], inner, _first(known, segments[:length]), keys)
        table = inner
    if segments[-1] in table:
        value = Pieces(table[segments[-1]], value, _first(known, segments), keys)
    table[segments[-1]] = value
    known.setdefault(segments, keys)


def _first(known: dict[Segments, Keys], place: Segments) -> Keys:
    """Give the keys of the first writing at a place or below it."""
    return next(keys for segments, keys in known.items() if segments[: len(place)] == place)


def removed_and_written(
    earlier: Mapping[Segments, Any], later: Mapping[Segments, Any]
) -> Iterator[tuple[Segments, Segments]]:
    """Give each place that one of two writings takes away and the other writes, with what is written there.

    Args:
        earlier: The ends of the first, by place.
        later: Those of the second.
    """
    told: set[Segments] = set()
    for removing, writing in ((earlier, later), (later, earlier)):
        for place in writing:
            for length in range(len(place)):
                above = place[:length]
                if above not in told and above in removing and removing[above] is None:
                    told.add(above)
                    yield above, place
