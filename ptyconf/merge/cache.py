"""What the merge remembers of a schema between resolves: shapes of tables, stacks of defaults."""

from __future__ import annotations

from typing import Any

from ptyconf.schema.schema import Schema


class Cache:
    """Plans by the shape of a table, and merged default layers by their identities."""

    __slots__ = ("named_keys", "plans", "stacks", "ties")

    def __init__(self) -> None:
        self.named_keys: dict[str, tuple[Any, ...]] = {}  # of tables, by the path of a variable
        self.plans: dict[Any, Any] = {}
        self.stacks: dict[tuple[int, ...], Any] = {}
        self.ties: dict[tuple[int, ...], Any] = {}


def cache_of(schema: Schema) -> Cache:
    """Give the cache of a schema; it goes with the schema."""
    cache: Cache | None = schema.remembered
    if cache is None:
        cache = schema.remembered = Cache()
    return cache
