"""Tables as columns: what a shape of names and types means to a schema is found out once.

A table of a shape that was read before needs no look at its single keys: its values are the plan's paths in
order. The law stays with the plain reading, which makes the plans and is the oracle of their test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from operator import itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ptyconf.index import Slot
    from ptyconf.layer import Keys

PLAIN = frozenset({int, float, str, bool, type(None)})
KEPT_PLANS = 1024
SEEN = object()  # in the place of a plan: the shape came once
_TOP, _END = object(), object()  # before a name that is in no section; after the names of a section

Shape = tuple[tuple[Any, ...], tuple[type, ...]]


class Columns(Mapping[str, Any]):
    """A copy of a table, and of the sections in it, as a column of names and one of plain values."""

    __slots__ = ("_tables", "leaves", "names", "types")

    def __init__(self, names: list[Any], types: tuple[type, ...], leaves: list[Any]) -> None:
        self.names = tuple(names)
        self.types = types
        self.leaves = leaves
        self._tables: dict[str, Any] | None = None

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Columns | None:
        """Copy a table; None where it is deeper than sections, or holds more than plain values."""
        names: list[Any] = []
        leaves: list[Any] = []
        for key, each in table.items():
            if each.__class__ is dict:
                names.append(key)
                names += each
                names.append(_END)
                leaves += each.values()
            else:
                names.append(_TOP)
                names.append(key)
                leaves.append(each)
        types = tuple(map(type, leaves))
        return cls(names, types, leaves) if PLAIN.issuperset(types) else None

    def keys_in_order(self) -> Iterator[Keys]:
        """Give the keys of every value, as one column."""
        names = iter(self.names)
        for name in names:
            if name is _TOP:
                yield (next(names),)
            else:
                yield from ((name, inner) for inner in iter(names.__next__, _END))

    @property
    def tables(self) -> dict[str, Any]:
        """The table as it was."""
        if self._tables is None:
            tables: dict[str, Any] = {}
            leaves, names = iter(self.leaves), iter(self.names)
            for name in names:
                if name is _TOP:
                    tables[next(names)] = next(leaves)
                else:
                    tables[name] = {inner: next(leaves) for inner in iter(names.__next__, _END)}
            self._tables = tables
        return self._tables

    def __getitem__(self, key: str) -> Any:
        return self.tables[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the tables of one shape say: the path of each value, and its keys where they differ from it."""

    paths: tuple[str, ...]
    spelled: Mapping[str, tuple[Keys, str]]
    floats: Callable[[list[Any]], tuple[float, ...]] | None  # those that must be finite

    def fits(self, leaves: list[Any]) -> bool:
        """Tell whether every number that must be finite is."""
        return self.floats is None or isfinite(sum(self.floats(leaves)))


def make_plan(
    columns: Columns, found: Mapping[Keys, Slot], spelled: Mapping[str, tuple[Keys, str]]
) -> Plan | None:
    """Keep what a reading found out about a shape; None where it also depends on the values.

    Args:
        columns: The table that was read.
        found: The setting of each key that was taken.
        spelled: Keys that differ from the path, by path.
    """
    slots = [found.get(keys) for keys in columns.keys_in_order()]
    floats: list[int] = []
    paths: list[str] = []
    for number, (slot, kind) in enumerate(zip(slots, columns.types, strict=True)):
        if slot is None:
            return None
        if kind not in slot.exact:
            if kind is not float or not slot.finite:
                return None
            floats.append(number)
        paths.append(slot.path)
    # The first stands twice, for with one index alone itemgetter gives no tuple.
    getter = itemgetter(*floats, floats[0]) if floats else None
    return Plan(tuple(paths), {path: each for path, each in spelled.items() if path in paths}, getter)
