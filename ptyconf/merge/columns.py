"""Tables as columns: what a shape of names and types means to a schema is found out once.

A table of a shape that was read before needs no look at its single keys: its values are the plan's paths in
order. The law stays with the plain reading, which makes the plans and is the oracle of their test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

from ptyconf.merge.fault import Keys
from ptyconf.schema.tree import Slot

PLAIN = frozenset({int, float, str, bool, type(None)})
KEPT_PLANS = 1024
SEEN = object()  # in the place of a plan: the shape came once


# A copy of a table and of the sections in it: the names of the table, then those of each section; how many
# names each section has, -1 for what is no section; the kinds of the values; the values. A bare tuple, for
# one is made for every layer.
Columns = tuple[tuple[Any, ...], tuple[int, ...], tuple[type, ...], list[Any]]


def columns_of(table: Mapping[str, Any]) -> Columns | None:
    """Copy a table; None where it is deeper than sections, or holds more than plain values."""
    names: list[Any] = [*table]
    sizes: list[int] = []
    leaves: list[Any] = []
    for slot in table.values():
        if slot.__class__ is dict:
            names += slot
            leaves += slot.values()
            sizes.append(len(slot))
        else:
            leaves.append(slot)
            sizes.append(-1)
    types = tuple(map(type, leaves))
    return (tuple(names), tuple(sizes), types, leaves) if PLAIN.issuperset(types) else None


def table_of(columns: Columns) -> dict[str, Any]:
    """Give the table back."""
    names, sizes, _, leaves = columns
    table: dict[str, Any] = {}
    rest, inner = iter(leaves), iter(names[len(sizes) :])
    for name, size in zip(names, sizes, strict=False):
        table[name] = next(rest) if size < 0 else {key: next(rest) for key in islice(inner, size)}
    return table


def keys_of(columns: Columns) -> Iterator[Keys]:
    """Give the keys of every value, in order."""
    names, sizes, *_ = columns
    inner = iter(names[len(sizes) :])
    for name, size in zip(names, sizes, strict=False):
        if size < 0:
            yield (name,)
        else:
            yield from ((name, key) for key in islice(inner, size))


class ColumnLayout(NamedTuple):
    """What the tables of one shape say: the path of each value, and its keys where they differ from it."""

    paths: tuple[str, ...]
    spelled: Mapping[str, tuple[Keys, str]]
    floats: Callable[[list[Any]], tuple[float, ...]] | None  # those that must be finite


def make_plan(
    columns: Columns, taken: Mapping[Keys, Slot], spelled: Mapping[str, tuple[Keys, str]]
) -> ColumnLayout | None:
    """Keep what a reading found out about a shape; None where it also depends on the values.

    Args:
        columns: The table that was read.
        taken: The setting of each key that was taken.
        spelled: Keys that differ from the path, by path.
    """
    slots = [taken.get(keys) for keys in keys_of(columns)]
    floats: list[int] = []
    paths: list[str] = []
    for number, (slot, kind) in enumerate(zip(slots, columns[2], strict=True)):
        if slot is None:
            return None
        if kind not in slot.exact:
            if kind is not float or not slot.finite:
                return None
            floats.append(number)
        paths.append(slot.path)
    # The first stands twice, for with one index alone itemgetter gives no tuple.
    getter = itemgetter(*floats, floats[0]) if floats else None
    return ColumnLayout(tuple(paths), {path: item for path, item in spelled.items() if path in paths}, getter)


Rest = tuple[Any, Any, Any, dict[str, Any], Keys]  # key, its entry in the tree, value, node, keys before it


def take_plain(
    table: Mapping[str, Any], node: dict[str, Any], at: Keys, values: dict[str, Any] | None, rest: list[Rest]
) -> None:
    """Take the settings whose values fit as they are (none, for text); leave what needs a closer look."""
    for key, value in table.items():
        entry = node.get(key)
        kind = value.__class__
        if entry.__class__ is Slot:
            fits = kind in entry.exact or (kind is float and entry.finite and value - value == 0.0)
            if fits and values is not None:
                values[entry.path] = value
                continue
        elif entry.__class__ is dict and (kind is dict or isinstance(value, Mapping)):
            take_plain(value, entry, (*at, key), values, rest)
            continue
        rest.append((key, entry, value, node, at))
