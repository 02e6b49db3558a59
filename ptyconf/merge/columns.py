"""Tables as columns: what a shape of names and types means to a schema is found out once.

A table of a shape that was read before needs no look at its single keys: its values are the plan's paths in
order. The law stays with the plain reading, which makes the plans and is the oracle of their test.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from ptyconf.merge.fault import Keys
from ptyconf.schema.tree import Slot
from ptyconf.schema.view import copied

if TYPE_CHECKING:
    from ptyconf.merge.layer import Layer
    from ptyconf.merge.layer_values import LayerValues

PLAIN = frozenset({int, float, str, bool, type(None)})
TEXT = frozenset({str})
FLAT = PLAIN | {list, datetime.date, datetime.datetime, datetime.time}
KEPT_PLANS = 1024
MOST_TABLES = 100_000  # a dict may hold itself
SEEN = object()  # in the place of a plan: the shape came once


# A copy of a table: the names of it and then of the tables in it; for each of its names how many the table
# there has, LEAF for what is no table; the kinds of the values in order; the values. Where tables stand
# deeper, they follow level by level: DEEP, and then for each table how many names it has, below zero where
# tables are among its values, and whether each value is one. A bare tuple, for one is made for every layer.
Columns = tuple[tuple[Any, ...], tuple[int, ...], tuple[type, ...], list[Any]]
NO_COLUMNS: Columns = ((), (), (), [])
LEAF, DEEP = -1, -2


def columns_of(table: Mapping[str, Any]) -> Columns | None:
    """Copy a table with the lists in it; None where it holds more than plain values, lists and dates."""
    names: list[Any] = [*table]
    sizes: list[int] = []
    leaves: list[Any] = []
    for value in table.values():
        if value.__class__ is dict:
            names += value
            leaves += value.values()
            sizes.append(len(value))
        else:
            leaves.append(value)
            sizes.append(LEAF)
    types = tuple(map(type, leaves))
    if PLAIN.issuperset(types):
        return tuple(names), tuple(sizes), types, leaves
    if FLAT.issuperset(types):
        return with_own_lists((tuple(names), tuple(sizes), types, leaves))
    columns = deep_columns(table) if dict in types else None
    return None if columns is None else with_own_lists(columns)


def with_own_lists(columns: Columns) -> Columns:
    """Copy the lists among the leaves: who changes a value of one table changes no other."""
    names, sizes, types, leaves = columns
    if list not in types:
        return columns
    return names, sizes, types, [copied(leaf) if leaf.__class__ is list else leaf for leaf in leaves]


def columns_of_texts(table: Mapping[str, Any]) -> Columns | None:
    """Copy a table without tables in it, as variables and flags have one."""
    leaves = [*table.values()]
    if not TEXT.issuperset(map(type, leaves)):
        return deep_columns(table)
    size = len(leaves)
    return tuple(table), (LEAF,) * size, (str,) * size, leaves


def deep_columns(table: Mapping[str, Any]) -> Columns | None:
    """Copy a table, but for the lists in it, where tables inside the tables in it are as likely as not."""
    names: list[Any] = []
    sizes: list[int] = [DEEP]
    leaves: list[Any] = []
    tables = [table]
    for inner in tables:
        names += inner
        values = inner.values()
        if dict in map(type, values):
            sizes.append(-len(inner))
            for value in values:
                if value.__class__ is dict:
                    tables.append(value)
                    sizes.append(1)
                else:
                    leaves.append(value)
                    sizes.append(0)
            if len(tables) > MOST_TABLES:
                return None
        else:
            leaves += values
            sizes.append(len(inner))
    types = tuple(map(type, leaves))
    return (tuple(names), tuple(sizes), types, leaves) if FLAT.issuperset(types) else None


def table_of(columns: Columns) -> dict[str, Any]:
    """Give the table back."""
    names, sizes, _, leaves = columns
    if sizes[:1] == (DEEP,):
        return _deep_table(columns)
    rest_leaves, inner = iter(leaves), iter(names[len(sizes) :])
    return {
        name: next(rest_leaves) if size < 0 else {key: next(rest_leaves) for key in islice(inner, size)}
        for name, size in zip(names, sizes, strict=False)
    }


def _deep_table(columns: Columns) -> dict[str, Any]:
    rest_names, rest_sizes, rest_leaves = iter(columns[0]), iter(columns[1][1:]), iter(columns[3])
    table: dict[str, Any] = {}
    tables = [table]
    for inner in tables:
        size = next(rest_sizes)
        for name in islice(rest_names, abs(size)):
            if size < 0 and next(rest_sizes):
                below: dict[str, Any] = {}
                inner[name] = below
                tables.append(below)
            else:
                inner[name] = next(rest_leaves)
    return table


class ColumnLayout:
    """What the tables of one shape say.

    Args:
        shape: Names, sizes and kinds, for all layers of the shape to share.
        paths: The path of each value.
        spelled: The keys of those for which they differ from the path.
        pick: Takes the values that are taken as they are out of the leaves; None where these are all of them.
        floats: Takes out those that must be finite; None where there are none.
        read: Reads what takes more than a look at its kind, whose values follow; None where nothing does.
        gathered: The paths to which other layers may give something too, with their numbers among the values.
    """

    # A tuple would be taken apart for every layer, and is unpacked item by item where it has a name.
    __slots__ = ("floats", "gathered", "paths", "pick", "read", "shape", "spelled")

    def __init__(
        self,
        shape: tuple[tuple[Any, ...], tuple[int, ...], tuple[type, ...]],
        paths: tuple[str, ...],
        spelled: Mapping[str, tuple[Keys, str]],
        *,
        pick: Callable[[list[Any]], tuple[Any, ...]] | None,
        floats: Callable[[list[Any]], tuple[float, ...]] | None,
        read: Callable[[LayerValues, Layer, list[Any]], list[Any] | None] | None,
        gathered: tuple[tuple[str, int], ...],
    ) -> None:
        self.shape = shape
        self.paths = paths
        self.spelled = spelled
        self.pick = pick
        self.floats = floats
        self.read = read
        self.gathered = gathered


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
